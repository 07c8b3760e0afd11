def before(number):
    if number == 1:
        with open("a.db", "r+b") as file:
            file.seek(4096)
            file.write(b"\xAA" * 16 * 4096)
