"""Loops (闭环): cases with steps and clocks, as rows of loops.toml and clocks.toml."""
