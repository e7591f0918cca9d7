"""The disk, and what may be read from it or written to it."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_DISK, Problem
from countersign.base.i18n import N_


class DiskProblem(Problem):
    code = "disk"
    exit_code = EXIT_DISK
    sentence = N_("“{path}” cannot be used: {reason}.")
    next_step = N_("Check that it is there and that you may use it.")


class DiskFull(DiskProblem):
    code = "disk_full"
    sentence = N_("The disk is full.")
    next_step = N_("Make room and send again: what has arrived is kept, only the rest will be sent.")


class NotEnoughSpace(DiskProblem):
    code = "not_enough_space"
    sentence = N_("There is not enough room: {needed} are needed, {free} are free.")
    next_step = N_("Make room, or choose another folder to receive into.")


class FolderMissing(DiskProblem):
    code = "folder_missing"
    sentence = N_("There is no folder “{path}”.")
    next_step = N_("Choose a folder that is there.")


class FolderUnreadable(DiskProblem):
    code = "folder_unreadable"
    sentence = N_("The folder “{path}” cannot be read: {reason}.")
    next_step = N_("Choose another folder, or allow reading it.")


class FolderEmpty(DiskProblem):
    code = "folder_empty"
    sentence = N_("There is nothing in “{path}” to send.")
    next_step = N_("Put the files that you want to send into it.")


class OwnPlace(DiskProblem):
    code = "own_place"
    sentence = N_("“{path}” belongs to Countersign itself and is never sent.")
    next_step = N_("Choose a folder or files of your own.")


class TargetRefused(DiskProblem):
    code = "bad_target"
    sentence = N_("Nothing is received into “{path}”: {reason}.")
    next_step = N_("Choose another folder, such as a new one on the Desktop or in Documents.")


class TooMuch(DiskProblem):
    code = "too_much"
    sentence = N_("“{path}” holds more than one transfer takes: {detail}.")
    next_step = N_("Send it in parts.")
