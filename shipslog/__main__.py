"""`python -m shipslog`."""

from shipslog.engine.cli import main

if __name__ == "__main__":
    main(prog_name="shipslog")
