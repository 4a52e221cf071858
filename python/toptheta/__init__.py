"""Top-Theta for users of PyTorch: `toptheta.dump` records what tt-calibrate calibrates from."""
