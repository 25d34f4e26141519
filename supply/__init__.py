"""What maintainers look after packages with: hashes, a bill of materials, known weaknesses."""
