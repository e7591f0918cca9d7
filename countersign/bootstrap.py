import sys
def start(role):
    from countersign.app import main
    return main(role)
