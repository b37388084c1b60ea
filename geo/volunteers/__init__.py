"""People who offer something: their consent, what is told of them, who may ask them, and how they are forgotten."""
