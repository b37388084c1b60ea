"""How it is reached: FastAPI and the command line."""
