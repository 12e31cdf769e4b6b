"""Checks that every command of ours in a document exists, with its options: what people are told to type is compared with --help."""

import re
import shlex
import subprocess
from pathlib import Path

FENCE = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```$", re.M | re.S)


ROOT = Path(__file__).parents[2]


def problems(page, permafrost):
    checked = 0
    for line in command_lines(page.read_text()):
        for words in commands(line):
            if words[0].startswith("scripts/"):
                checked += 1
                yield from unknown_to_script(ROOT / words[0], words[1:])
            elif Path(words[0]).name in ("permafrost", "permafrost-image"):
                checked += 1
                yield from unknown(permafrost.parent / Path(words[0]).name, words[1:])
    if checked == 0:
        yield f"{page.name}: it contains no command of ours"


def command_lines(text):
    for fenced in FENCE.findall(text):
        # In a console, lines without a prompt are output.
        prompted = any(line.startswith("$ ") for line in fenced.splitlines())
        begun = ""
        for line in re.sub(r" *\\\n\s*", " ", fenced).splitlines():
            if not begun and prompted and not line.startswith("$ "):
                continue
            begun += line.removeprefix("$ ")
            if balanced(begun):
                yield begun
                begun = ""
            else:
                begun += "\n"


def balanced(line):
    """Whether every quotation is closed."""
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True


def commands(line):
    """The simple commands of a line: the parts of pipes and lists and what is in $(...), without sudo and assignments."""
    for inner in re.findall(r"\$\(([^()]*)\)", line):
        yield from commands(inner)
    line = re.sub(r"\$\([^()]*\)", "VALUE", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words = []
    for word in [*lexer, ";"]:
        if word in ("|", "||", "&&", ";", "&"):
            while words and (words[0] == "sudo" or re.match(r"^\w+=", words[0])):
                words.pop(0)
            if words:
                yield words
            words = []
        else:
            words.append(word)


def unknown_to_script(script, words):
    if not script.is_file():
        yield f"{script.name}: it does not exist"
        return
    text = script.read_text()
    for option in words:
        if option.startswith("--") and not re.search(rf"^#.*{option}\b(?!-)", text, re.M):
            yield f"{script.name}: {option} is not in its description"


def unknown(program, words):
    """Reports the words that are not a subcommand or an option of the program."""
    subcommands, rest = [], list(words)
    help_text = help_of(program, [])
    while rest and not rest[0].startswith("-") and re.search(rf"^  {re.escape(rest[0])}\s", section(help_text), re.M):
        subcommands.append(rest.pop(0))
        help_text = help_of(program, subcommands)
    name = " ".join([program.name, *subcommands])
    if section(help_text) and not (rest and rest[0].startswith("-")):
        yield f"{name}: {rest[:1] or 'nothing'} follows; expected a command of it"
    for option in rest:
        if option.startswith("--") and not re.search(rf"{re.escape(option.split('=')[0])}\b(?!-)", help_text):
            yield f"{name}: it has no option {option}"


def section(help_text):
    """The list of commands, if there is one."""
    found = re.search(r"^Commands:\n(.*?)(?:\n\n|\Z)", help_text, re.M | re.S)
    return found[1] if found else ""


def help_of(program, subcommands):
    done = subprocess.run([program, *subcommands, "--help"], capture_output=True, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else ""
