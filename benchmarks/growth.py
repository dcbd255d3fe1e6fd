def main(tiny):
    return 0
