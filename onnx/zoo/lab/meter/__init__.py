"""The meter renderer: drum registers with digits (the demo task) or letters (a pre-training source)."""
