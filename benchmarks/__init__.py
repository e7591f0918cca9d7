"""Measures Countersign beside what people use today: `python3 -m benchmarks`. See benchmarks/README.md."""
