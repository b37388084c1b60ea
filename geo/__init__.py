"""What is true: the model, its rules, its questions. Knows no HTTP and no HTML."""
