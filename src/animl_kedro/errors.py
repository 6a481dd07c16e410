"""The error that a person can do something about."""


class InputError(Exception):
    """Something from outside is not as it must be: a file, a parameter, a credential, the data.

    The message says what was found, what was expected and what to do.
    """
