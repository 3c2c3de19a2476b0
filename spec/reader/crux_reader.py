"""A plain second reader of .crux files, laid out like spec/crux-format-v1.md.

It shares no code with the Swift library, checks every rule of the specification, and favours plainness
over speed. As a program it prints what a file holds as JSON, or says on one line why the file is refused:

    python crux_reader.py FILE...
"""

import json
import pathlib
import struct
import sys
import unicodedata

import numpy
import xxhash
import zstandard

# 2 Conventions

ALIGNMENT = 64
HEADER_MAGIC = b"\x89CRX\r\n\x1a\n"
SECTION_MAGIC = b"\x8bcrx\r\n\x1a\n"
TRAILER_MAGIC = b"\x8dXRC\r\n\x1a\n"
END_MAGIC = b"\x8fxrc\r\n\x1a\n"


class Refused(Exception):
    """The file breaks a rule."""


def require(condition, message):
    if not condition:
        raise Refused(message)


def hash64(data):
    return xxhash.xxh3_64_intdigest(data)


def hash128(data):
    """In canonical order, most significant byte first."""
    return xxhash.xxh3_128_digest(data)


def padding(count, alignment=ALIGNMENT):
    return -count % alignment


class Cursor:
    """Reads fields one after the other and never beyond the end."""

    def __init__(self, data, name):
        self.data, self.name, self.position = data, name, 0

    def take(self, count):
        require(count <= len(self.data) - self.position, f"{self.name}: a field does not fit")
        self.position += count
        return self.data[self.position - count:self.position]

    def integer(self, byte_count):
        return int.from_bytes(self.take(byte_count), "little")

    def zeros(self, count):
        require(not any(self.take(count)), f"{self.name}: reserved bytes or padding are not zero")

    def text(self, count):
        try:
            return self.take(count).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(f"{self.name}: invalid UTF-8") from None

    def finish(self):
        require(self.position == len(self.data), f"{self.name}: bytes are left over")


# 3 Header

DELTAS, SHARDS = 1, 2


def read_header(data):
    require(len(data) >= 64, "header: the file is shorter")
    cursor = Cursor(data[:64], "header")
    require(cursor.take(8) == HEADER_MAGIC, "header: wrong magic")
    write_version, read_version = cursor.integer(2), cursor.integer(2)
    require(hash64(data[:56]) == int.from_bytes(data[56:64], "little"), "header: checksum mismatch")
    require(1 <= read_version <= write_version, "header: read version")
    require(read_version == 1, "header: needs a newer reader")
    cursor.zeros(4)
    features = cursor.integer(8)
    require(features & ~(DELTAS | SHARDS) == 0, "header: unknown required feature")
    require(features != DELTAS | SHARDS, "header: deltas and shards in one file")
    cursor.integer(8)  # optional features
    cursor.zeros(24)
    return {"writeVersion": write_version, "features": features, "checksum": cursor.integer(8)}


# 4 Sections


def read_section(data, offset, byte_count, kind, name):
    """The body of the section that fills exactly these bytes."""
    require(byte_count >= 64 and offset + byte_count <= len(data), f"{name}: does not fit")
    section = data[offset:offset + byte_count]
    cursor = Cursor(section, name)
    require(cursor.take(8) == SECTION_MAGIC, f"{name}: wrong section magic")
    found_kind = cursor.take(4)
    require(hash64(section[:56]) == int.from_bytes(section[56:64], "little"), f"{name}: section header checksum")
    require(found_kind == kind, f"{name}: wrong section kind")
    cursor.zeros(4)
    body_count, own_offset = cursor.integer(8), cursor.integer(8)
    require(own_offset == offset, f"{name}: section offset")
    digest = cursor.take(16)
    cursor.zeros(8)
    cursor.integer(8)
    require(64 + body_count + padding(body_count) == byte_count, f"{name}: section size")
    body = cursor.take(body_count)
    require(hash128(body) == digest, f"{name}: body digest")
    cursor.zeros(padding(body_count))
    cursor.finish()
    return body, digest


# 5 Tensor records

DTYPES = {
    1: ("BOOL", 1, 1), 2: ("F4", 2, 1), 3: ("F6_E2M3", 4, 3), 4: ("F6_E3M2", 4, 3), 5: ("U8", 1, 1),
    6: ("I8", 1, 1), 7: ("F8_E5M2", 1, 1), 8: ("F8_E4M3", 1, 1), 9: ("F8_E8M0", 1, 1),
    10: ("F8_E4M3FNUZ", 1, 1), 11: ("F8_E5M2FNUZ", 1, 1), 12: ("I16", 1, 2), 13: ("U16", 1, 2),
    14: ("F16", 1, 2), 15: ("BF16", 1, 2), 16: ("I32", 1, 4), 17: ("U32", 1, 4), 18: ("F32", 1, 4),
    19: ("C64", 1, 8), 20: ("F64", 1, 8), 21: ("I64", 1, 8), 22: ("U64", 1, 8), 258: ("Q4_0", 32, 18),
    259: ("Q4_1", 32, 20), 262: ("Q5_0", 32, 22), 263: ("Q5_1", 32, 24), 264: ("Q8_0", 32, 34),
    268: ("Q4_K", 256, 144), 269: ("Q5_K", 256, 176), 270: ("Q6_K", 256, 210),
}
ROLES = range(7)
MAXIMUM = 2**63 - 1


def read_head(body, features):
    cursor = Cursor(body, "record head")
    dtype_code, role, rank = cursor.integer(2), cursor.integer(1), cursor.integer(1)
    name_count, chunk_byte_count = cursor.integer(4), cursor.integer(4)
    require(dtype_code in DTYPES, f"record head: unknown dtype {dtype_code}")
    require(role in ROLES, f"record head: unknown role {role}")
    require(rank <= 64, "record head: rank")
    require(name_count <= 65535, "record head: name byte count")
    require(64 <= chunk_byte_count <= 2**24 and chunk_byte_count % 64 == 0, "record head: chunk byte count")
    cursor.zeros(4)
    byte_count = cursor.integer(8)
    base_digest = cursor.take(16)
    require(features & DELTAS or base_digest == bytes(16), "record head: base digest without the feature")
    shape = [cursor.integer(8) for _ in range(rank)]
    name = cursor.text(name_count)
    require("\0" not in name, "record head: U+0000 in the name")
    cursor.zeros(padding(cursor.position, 8))
    cursor.finish()

    dtype, block_elements, block_bytes = DTYPES[dtype_code]
    elements = 1
    for size in shape:
        elements *= size
        require(size <= MAXIMUM and elements <= MAXIMUM, "record head: too many elements")
    blocked = (shape[-1] if shape else 1) if block_elements >= 32 else elements
    require(blocked % block_elements == 0, "record head: partial block")
    require(elements // block_elements * block_bytes == byte_count <= MAXIMUM, "record head: byte count")
    return {
        "name": name, "dtype": dtype, "shape": shape, "role": role, "byteCount": byte_count,
        "chunkByteCount": chunk_byte_count, "baseDigest": base_digest,
    }


def read_table(body, head):
    cursor = Cursor(body, f"tensor '{head['name']}', chunk table")
    where = cursor.name
    table = {"recordOffset": cursor.integer(8), "storedByteCount": cursor.integer(8)}
    chunk_count = cursor.integer(8)
    require(chunk_count == -(-head["byteCount"] // head["chunkByteCount"]), f"{where}: chunk count")
    cursor.zeros(8)
    table["digest"], table["headDigest"] = cursor.take(16), cursor.take(16)
    require(len(body) - 64 == 40 * chunk_count, f"{where}: size")
    table["chunks"] = []
    for index in range(chunk_count):
        codec, width, rotation, reserved = cursor.take(4)
        stored = cursor.integer(4)
        content = min(head["chunkByteCount"], head["byteCount"] - index * head["chunkByteCount"])
        require(reserved == 0, f"{where}, chunk {index}: codec")
        if codec in (16, 17, 18):
            require(head["baseDigest"] != bytes(16), f"{where}, chunk {index}: no base")
        if codec in (17, 18):
            require(width in (1, 2, 4, 8) and rotation == 0, f"{where}, chunk {index}: codec")
            require(content % width == 0, f"{where}, chunk {index}: not whole words")
        elif codec == 3:
            require(width in (2, 4, 8) and rotation <= 1, f"{where}, chunk {index}: codec")
            require(content % width == 0, f"{where}, chunk {index}: not whole words")
        else:
            require(codec in (0, 1, 2, 16) and width == 0 and rotation == 0, f"{where}, chunk {index}: codec")
        require(stored == 0 if codec == 16 else 1 <= stored <= content, f"{where}, chunk {index}: stored byte count")
        require(codec != 0 or stored == content, f"{where}, chunk {index}: stored byte count")
        require(codec != 1 or stored <= 256, f"{where}, chunk {index}: stored byte count")
        stored_digest, content_digest = cursor.take(16), cursor.take(16)
        require(codec != 0 or stored_digest == content_digest, f"{where}, chunk {index}: digests")
        table["chunks"].append((codec, width, rotation, stored, content, stored_digest, content_digest))
    cursor.finish()
    require(sum(chunk[3] for chunk in table["chunks"]) == table["storedByteCount"], f"{where}: sum")
    return table


# 6 Codecs


def decompress(frame, byte_count):
    parameters = zstandard.get_frame_parameters(frame)
    require(parameters.content_size == byte_count, "the frame declares another size")
    require(parameters.dict_id == 0, "the frame needs a dictionary")
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    content = decompressor.decompress(frame)
    require(decompressor.eof and not decompressor.unused_data, "not exactly one frame")
    require(len(content) == byte_count, "the frame has another size")
    return content


def join(planes, width, count):
    """Byte planes → words."""
    planes = numpy.frombuffer(planes, numpy.uint8).reshape(width, count)
    return numpy.ascontiguousarray(planes.T).reshape(-1).view(f"<u{width}")


def unzigzag(codes):
    one = codes.dtype.type(1)
    return (codes >> one) ^ (codes.dtype.type(0) - (codes & one))


def add_differences(codec, width, frame, base):
    """The content of a chunk of codec 17 or 18; `base` is the base content."""
    words = numpy.frombuffer(base, f"<u{width}").copy()
    count = len(words)
    if codec == 17:
        words += unzigzag(join(decompress(frame, len(base)), width, count))
        return words.tobytes()
    mask_count = (count + 7) // 8
    declared = zstandard.get_frame_parameters(frame).content_size
    require(mask_count <= declared <= mask_count + len(base), "a sparse difference of another size")
    content = decompress(frame, declared)
    mask = numpy.unpackbits(numpy.frombuffer(content[:mask_count], numpy.uint8), bitorder="little")
    require(not mask[count:].any(), "mask bits beyond the last word")
    changed = numpy.flatnonzero(mask[:count])
    require(len(content) == mask_count + width * len(changed), "the mask calls for another size")
    codes = join(content[mask_count:], width, len(changed))
    require(codes.all(), "a difference of 0")
    words[changed] += unzigzag(codes)
    return words.tobytes()


def decode(codec, width, rotation, stored, byte_count, base):
    if codec == 16:
        return base
    if codec == 0:
        return stored
    if codec == 1:
        return (stored * (byte_count // len(stored) + 1))[:byte_count]
    try:
        if codec >= 17:
            return add_differences(codec, width, stored, base)
        content = decompress(stored, byte_count)
    except zstandard.ZstdError as error:
        raise Refused(f"zstd: {error}") from None
    if codec == 2:
        return content
    words = join(content, width, byte_count // width)
    if rotation:
        one = words.dtype.type(1)
        words = (words >> one) | (words << words.dtype.type(8 * width - 1))
    return words.tobytes()


# 7 Digests

LEAF = 1 << 20


def counted(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def tensor_digest(dtype, shape, content):
    data = b"CRUXTNS1" + counted(dtype) + struct.pack(f"<Q{len(shape)}QQ", len(shape), *shape, len(content))
    for offset in range(0, len(content), LEAF):
        data += hash128(content[offset:offset + LEAF])
    return hash128(data)


def weights_digest(tensors):
    """Of (name, digest) pairs."""
    pairs = sorted((name.encode("utf-8"), digest) for name, digest in tensors)
    data = b"CRUXWTS1" + struct.pack("<Q", len(pairs))
    for name, digest in pairs:
        data += struct.pack("<Q", len(name)) + name + digest
    return hash128(data)


# 8 Metadata

SCALARS = {
    0: ("uint8", "<B"), 1: ("int8", "<b"), 2: ("uint16", "<H"), 3: ("int16", "<h"), 4: ("uint32", "<I"),
    5: ("int32", "<i"), 6: ("float32", "<f"), 10: ("uint64", "<Q"), 11: ("int64", "<q"), 12: ("float64", "<d"),
}
TYPE_NAMES = {code: name for code, (name, _) in SCALARS.items()} | {7: "bool", 8: "string", 9: "array"}


def read_value(cursor, code, depth=0):
    require(code in TYPE_NAMES, f"metadata: unknown type {code}")
    if code in SCALARS:
        layout = SCALARS[code][1]
        data = cursor.take(struct.calcsize(layout))
        value = struct.unpack(layout, data)[0]
        if isinstance(value, float) and (value != value or abs(value) == float("inf")):
            return hex(int.from_bytes(data, "little"))
        return value
    if code == 7:
        value = cursor.integer(1)
        require(value <= 1, "metadata: a bool is neither 0 nor 1")
        return value == 1
    if code == 8:
        return cursor.text(cursor.integer(8))
    require(depth < 8, "metadata: arrays too deep")
    element, count = cursor.integer(4), cursor.integer(8)
    require(element in TYPE_NAMES, f"metadata: unknown type {element}")
    require(count <= len(cursor.data) - cursor.position, "metadata: array count")
    return {
        "elementType": TYPE_NAMES[element],
        "elements": [read_value(cursor, element, depth + 1) for _ in range(count)],
    }


def read_metadata(body):
    cursor = Cursor(body, "metadata")
    entries, keys = [], set()
    for _ in range(cursor.integer(8)):
        key = cursor.text(cursor.integer(8))
        require(key, "metadata: empty key")
        folded = unicodedata.normalize("NFC", key)
        require(folded not in keys, f"metadata: key '{key}' occurs twice")
        keys.add(folded)
        code = cursor.integer(4)
        entries.append({"key": key, "value": read_value(cursor, code), "type": TYPE_NAMES.get(code)})
    cursor.finish()
    return entries


# 9 Index and 10 trailer


def read_trailer(data):
    require(len(data) >= 256, "the file is shorter than any checkpoint")
    cursor = Cursor(data[-64:], "trailer")
    require(cursor.take(8) == TRAILER_MAGIC, "trailer: wrong magic")
    index_offset, byte_count, digest = cursor.integer(8), cursor.integer(8), cursor.take(16)
    cursor.zeros(8)
    require(cursor.integer(8) == hash64(data[-64:-16]), "trailer: checksum mismatch")
    require(cursor.take(8) == END_MAGIC, "trailer: wrong end magic")
    require(byte_count == len(data), "trailer: file byte count")
    require(64 <= index_offset <= len(data) - 128 and index_offset % 64 == 0, "trailer: index offset")
    return index_offset, digest


def read_index(data, index_offset, file_digest, header):
    byte_count = len(data) - 64 - index_offset
    require(hash128(data[index_offset:-64]) == file_digest, "index: file digest")
    body, _ = read_section(data, index_offset, byte_count, b"INDX", "index")
    cursor = Cursor(body, "index")
    entry_count = cursor.integer(4)
    cursor.zeros(4)
    previous = cursor.integer(8)
    require(previous == 0 or (previous < index_offset and previous % 64 == 0), "index: previous trailer offset")
    stored_weights_digest = cursor.take(16)
    require(cursor.integer(8) == header["checksum"], "index: header checksum")
    cursor.zeros(8)
    entries, names, expected = [], set(), 64
    for _ in range(entry_count):
        kind, detail_count = cursor.take(4), cursor.integer(4)
        offset, count, digest = cursor.integer(8), cursor.integer(8), cursor.take(16)
        require(offset == expected, "index: gap or overlap")
        require(count >= 64 and count % 64 == 0 and count <= index_offset - offset, "index: entry byte count")
        expected = offset + count
        entry = {"kind": kind, "offset": offset, "byteCount": count, "digest": digest}
        detail = Cursor(cursor.take(detail_count), "index entry")
        if kind == b"TENS":
            require(not header["features"] & SHARDS, "index: a tensor in a list of shards")
            head_count, table_count = detail.integer(4), detail.integer(4)
            entry["headBody"], entry["tableBody"] = detail.take(head_count), detail.take(table_count)
            detail.finish()
            require(hash128(entry["headBody"]) == digest, "index: head digest")
            entry["head"] = read_head(entry["headBody"], header["features"])
            name = unicodedata.normalize("NFC", entry["head"]["name"])
            require(name not in names, f"index: two tensors '{name}'")
            names.add(name)
            entry["table"] = read_table(entry["tableBody"], entry["head"])
            require(entry["table"]["headDigest"] == digest, "index: head digest in the table")
            require(entry["table"]["recordOffset"] == offset, "index: record offset")
        elif kind in (b"META", b"past", b"BASE", b"SHRD"):
            detail.finish()
        else:
            require(kind[0] & 0x20, f"index: unknown required section {kind!r}")
        entries.append(entry)
    cursor.finish()
    require(expected == index_offset, "index: the sections do not reach up to the index")
    require(sum(entry["kind"] == b"META" for entry in entries) == 1, "index: not one metadata section")
    base_count = sum(entry["kind"] == b"BASE" for entry in entries)
    require(base_count == (1 if header["features"] & DELTAS else 0), "index: base sections")
    shards_count = sum(entry["kind"] == b"SHRD" for entry in entries)
    require(shards_count == (1 if header["features"] & SHARDS else 0), "index: shard sections")
    if header["features"] & SHARDS:
        return entries, stored_weights_digest
    computed = weights_digest(
        (entry["head"]["name"], entry["table"]["digest"])
        for entry in entries if "head" in entry and entry["head"]["role"] == 0)
    require(computed == stored_weights_digest, "index: weights digest")
    return entries, computed


# 11 Reading and verifying


def read_tensor(data, entry, base):
    """A tensor's content, with every byte of its record checked; `base` is the base tensor's content, or None."""
    head, table = entry["head"], entry["table"]
    where = f"tensor '{head['name']}'"
    head_count = 64 + len(entry["headBody"]) + padding(len(entry["headBody"]))
    table_count = 64 + len(entry["tableBody"]) + padding(len(entry["tableBody"]))
    stored_count = table["storedByteCount"] + padding(table["storedByteCount"])
    require(head_count + stored_count + table_count == entry["byteCount"], f"{where}: record size")
    body, _ = read_section(data, entry["offset"], head_count, b"TENS", where)
    require(body == entry["headBody"], f"{where}: head differs from the index")
    offset = entry["offset"] + head_count
    content = b""
    for index, (codec, width, rotation, stored, count, stored_digest, content_digest) in enumerate(table["chunks"]):
        piece = data[offset:offset + stored]
        require(hash128(piece) == stored_digest, f"{where}, chunk {index}: stored digest")
        start = index * head["chunkByteCount"]
        piece = decode(codec, width, rotation, piece, count, base[start:start + count] if base is not None else None)
        require(hash128(piece) == content_digest, f"{where}, chunk {index}: content digest")
        content += piece
        offset += stored
    padding_count = stored_count - table["storedByteCount"]
    require(not any(data[offset:offset + padding_count]), f"{where}: padding")
    body, _ = read_section(data, offset + padding_count, table_count, b"CHNK", f"{where}, chunk table")
    require(body == entry["tableBody"], f"{where}: table differs from the index")
    require(tensor_digest(head["dtype"], head["shape"], content) == table["digest"], f"{where}: digest")
    return content


def read(data, folder=None, chain=()):
    """What a whole file holds; raises Refused for a file that breaks a rule anywhere.

    `folder` is where a delta's hint begins; `chain` holds the files that led here."""
    header = read_header(data)
    index_offset, file_digest = read_trailer(data)
    entries, weights = read_index(data, index_offset, file_digest, header)
    result = {
        "writeVersion": header["writeVersion"], "fileDigest": file_digest.hex(), "weightsDigest": weights.hex(),
        "metadata": [], "tensors": [],
    }
    contents, base = {}, {}
    if header["features"] & DELTAS:
        base = read_base(data, entries, folder, chain)
    for entry in entries:
        if entry["kind"] == b"TENS":
            content = read_tensor(data, entry, base.get(entry["head"]["name"]))
            head = entry["head"]
            contents[head["name"]] = content
            result["tensors"].append(
                {key: head[key] for key in ("name", "dtype", "shape", "role", "byteCount")}
                | {"digest": entry["table"]["digest"].hex()})
        elif entry["kind"] == b"past":
            past = data[entry["offset"]:entry["offset"] + entry["byteCount"]]
            require(hash128(past) == entry["digest"], "past bytes: digest")
        else:
            name = entry["kind"].decode("latin-1")
            body, digest = read_section(data, entry["offset"], entry["byteCount"], entry["kind"], name)
            require(digest == entry["digest"], f"{name}: digest differs from the index")
            if entry["kind"] == b"BASE":
                result["base"] = read_base_section(body)
            if entry["kind"] == b"SHRD":
                read_shards(read_shard_list(body), folder, result, contents)
                require(result["weightsDigest"] == weights.hex(), "index: weights digest")
            if entry["kind"] == b"META":
                result["metadata"] = read_metadata(body)
    return result, contents


# 15 Shards


def read_shard_list(body):
    cursor = Cursor(body, "shards")
    count = cursor.integer(4)
    cursor.zeros(4)
    require(count > 0, "shards: none")
    shards = []
    for _ in range(count):
        digest, byte_count = cursor.take(16), cursor.integer(8)
        name = cursor.text(cursor.integer(8))
        require(1 <= len(name.encode()) <= 255 and name not in (".", ".."), f"shards: name '{name}'")
        require(not set(name) & set("/\\\0"), f"shards: name '{name}'")
        folded = unicodedata.normalize("NFC", name)
        require(folded not in (shard[0] for shard in shards), f"shards: '{name}' occurs twice")
        cursor.zeros(padding(cursor.position, 8))
        shards.append((folded, name, byte_count, digest))
    cursor.finish()
    return [shard[1:] for shard in shards]


def read_shards(shards, folder, result, contents):
    """Adds the tensors of all shards to what the list holds."""
    result["shards"] = [name for name, _, _ in shards]
    weights, names = [], set()
    for name, byte_count, digest in shards:
        require(folder is not None, f"shard '{name}': not known where it lies")
        path = pathlib.Path(folder) / name
        require(path.is_file(), f"shard '{name}': missing")
        data = path.read_bytes()
        require(len(data) == byte_count, f"shard '{name}': file byte count")
        require(read_header(data)["features"] == 0, f"shard '{name}': is not whole by itself")
        shard, shard_contents = read(data)
        require(shard["fileDigest"] == digest.hex(), f"shard '{name}': file digest")
        for tensor in shard["tensors"]:
            folded = unicodedata.normalize("NFC", tensor["name"])
            require(folded not in names, f"shard '{name}': tensor '{tensor['name']}' is in two shards")
            names.add(folded)
            if tensor["role"] == 0:
                weights.append((tensor["name"], bytes.fromhex(tensor["digest"])))
        result["tensors"] += shard["tensors"]
        contents |= shard_contents
    result["weightsDigest"] = weights_digest(weights).hex()


def read_base_section(body):
    cursor = Cursor(body, "base")
    weights = cursor.take(16)
    cursor.zeros(8)
    hint = cursor.text(cursor.integer(8))
    cursor.zeros(padding(cursor.position, 8))
    cursor.finish()
    parts = hint.split("/")
    while len(parts) > 1 and parts[0] == "..":
        del parts[0]
    require(len(hint.encode()) <= 4096 and "\0" not in hint and "\\" not in hint, "base: hint")
    require(hint == "" or all(part not in ("", ".", "..") for part in parts), "base: hint")
    return {"weightsDigest": weights.hex(), "hint": hint}


def read_base(data, entries, folder, chain):
    """The content of the base tensors of a delta, by name."""
    entry = next(entry for entry in entries if entry["kind"] == b"BASE")
    body, _ = read_section(data, entry["offset"], entry["byteCount"], b"BASE", "base")
    hint = read_base_section(body)["hint"]
    require(folder is not None and hint, "base: not known where it lies")
    path = (pathlib.Path(folder) / hint).resolve()
    require(path not in chain, "base: a cycle")
    require(len(chain) < 17, "base: the chain is too long")
    require(path.is_file(), f"base: {hint} is missing")
    result, contents = read(path.read_bytes(), path.parent, chain + (path,))
    tensors = {tensor["name"]: tensor for tensor in result["tensors"]}
    base = {}
    for entry in entries:
        if entry["kind"] == b"TENS" and entry["head"]["baseDigest"] != bytes(16):
            head = entry["head"]
            found = tensors.get(head["name"])
            require(found is not None, f"base: no tensor '{head['name']}'")
            require((found["dtype"], found["shape"]) == (head["dtype"], head["shape"]), "base: type or shape")
            require(found["digest"] == head["baseDigest"].hex(), f"base: tensor '{head['name']}' is another one")
            base[head["name"]] = contents[head["name"]]
    return base


def main(paths):
    status = 0
    for path in paths:
        try:
            place = pathlib.Path(path).resolve()
            result, _ = read(place.read_bytes(), place.parent, (place,))
            print(json.dumps({"path": path} | result))
        except Refused as error:
            status = 1
            print(json.dumps({"path": path, "refused": str(error)}))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
