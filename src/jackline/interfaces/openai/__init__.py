"""What OpenAI's clients speak: chat completions, responses and models, with agents as models."""
