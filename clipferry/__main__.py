"""Run the command line as `python -m clipferry`."""

from clipferry.cli.main import run

if __name__ == "__main__":
    run()
