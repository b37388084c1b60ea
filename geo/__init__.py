"""What is true: the model, its rules, its questions. Knows no HTTP and no HTML."""

import os

os.environ["OPENPYXL_LXML"] = "False"  # spreadsheets are read by the defused parser, whatever else is installed
