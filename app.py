"""Start the chat page: `python app.py`."""

from essayqa.cli import app

if __name__ == "__main__":
    app(["serve"])
