"""The tool as a module: `python -m tokenfactory`, where no script is installed."""

from tokenfactory.cli import main

if __name__ == "__main__":
    main()
