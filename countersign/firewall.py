"""What lets the other computer through this one's firewall, in the words of each system. Facts only; nothing is changed here.

Windows: https://learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule; Linux: ufw(8), firewall-cmd(1), nft(8).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from countersign.base.i18n import _


@dataclass(frozen=True)
class Advice:
    """A sentence, and a command to copy where there is one."""

    text: str
    command: str = ""


def firewall_advice(port: int, platform: str = sys.platform, there: Callable[[str], object] = shutil.which) -> Advice:
    """How to let connections to this port in."""
    if platform == "win32":
        command = (
            f'New-NetFirewallRule -DisplayName "Countersign" -Direction Inbound -Protocol TCP -LocalPort {port} '
            "-Action Allow -Profile Private,Domain"
        )
        return Advice(_("Open “Windows PowerShell” as administrator and paste this:"), command)
    if platform == "darwin":
        return Advice(
            _(
                "Open System Settings, Network, Firewall, Options, and add Countersign there; or allow it when the system asks."
            )
        )
    if there("ufw"):
        return Advice(_("Open a terminal and paste this:"), f"sudo ufw allow {port}/tcp")
    if there("firewall-cmd"):
        return Advice(_("Open a terminal and paste this:"), f"sudo firewall-cmd --add-port={port}/tcp")
    if there("nft"):
        return Advice(
            _("If this computer has a firewall, open a terminal and paste this:"),
            f"sudo nft insert rule inet filter input tcp dport {port} accept",
        )
    return Advice(_("No firewall program that we know is on this computer. The router between you may have one."))
