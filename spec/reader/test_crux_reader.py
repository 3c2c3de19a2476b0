"""Tests of crux_reader.py against the fixtures: `make test` runs them.

    python spec/reader/test_crux_reader.py          (needs spec/reader/requirements.txt)
"""

import hashlib
import json
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import crux_reader

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
VALID = sorted((FIXTURES / "valid" / "v1").glob("*.crux"))
INVALID = sorted((FIXTURES / "invalid").glob("*.crux"))


def refusal(data, path=None):
    """Why a file is refused, or None. Anything but a refusal is a fault of the reader."""
    try:
        crux_reader.read(data, path and path.parent, (path,))
    except crux_reader.Refused as error:
        return str(error)
    return None


class Vectors(unittest.TestCase):
    def test_every_valid_file_holds_what_is_expected(self):
        expected = json.loads((FIXTURES / "valid" / "v1" / "expected.json").read_text())
        self.assertEqual([path.name for path in VALID], sorted(expected))
        self.assertGreaterEqual(len(VALID), 15)
        for path in VALID:
            with self.subTest(path.name):
                result, contents = crux_reader.read(path.read_bytes(), path.parent, (path,))
                for tensor in result["tensors"]:
                    tensor["sha256"] = hashlib.sha256(contents[tensor["name"]]).hexdigest()
                self.assertEqual(result, expected[path.name])

    def test_every_invalid_file_is_refused(self):
        self.assertGreaterEqual(len(INVALID), 165)
        for path in INVALID:
            with self.subTest(path.name):
                self.assertIsNotNone(refusal(path.read_bytes(), path))


class Damage(unittest.TestCase):
    # Small, and with every kind of part: records, metadata, past bytes.
    SUBJECT = (FIXTURES / "valid" / "v1" / "edited.crux").read_bytes()

    def test_every_flipped_bit_is_refused(self):
        data = bytearray(self.SUBJECT)
        for position in range(len(data)):
            for bit in range(8):
                data[position] ^= 1 << bit
                if refusal(bytes(data)) is None:
                    self.fail(f"bit {bit} of byte {position}")
                data[position] ^= 1 << bit

    def test_every_truncation_is_refused(self):
        # Cut where the old file ended, an edited file is the old one: that is how an edit is undone.
        accepted = [count for count in range(len(self.SUBJECT)) if refusal(self.SUBJECT[:count]) is None]
        self.assertEqual(len(accepted), 1)
        result, _ = crux_reader.read(self.SUBJECT[:accepted[0]])
        self.assertEqual([entry["value"] for entry in result["metadata"]], [1])

    def test_random_damage_is_refused_and_never_a_fault(self):
        generator = random.Random(4)
        for _ in range(2000):
            data = bytearray(self.SUBJECT)
            for _ in range(generator.randint(1, 8)):
                position = generator.randrange(len(data))
                kind = generator.randrange(3)
                if kind == 0:
                    data[position] = generator.randrange(256)
                elif kind == 1:
                    del data[position]
                else:
                    data.insert(position, generator.randrange(256))
            if bytes(data) != self.SUBJECT:
                self.assertIsNotNone(refusal(bytes(data)))


if __name__ == "__main__":
    unittest.main()
