package recordlog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A frame is a header, the description of its operations, and the values:
//
//	magic (4) | length of the description (4) | length of the values (4) | checksum (4)
//	for each operation: kind (1) | length of the key (4) | of the value (4) | checksum of the value (4) | key
//	values
//
// The checksum of the header covers it and the description, so that a start reads no values.
const (
	headerSize    = 16
	operationSize = 13
	// maxDescription and maxValues bound what a damaged length has us read.
	maxDescription = 16 << 20
	maxValues      = 512 << 20
)

var (
	magic  = []byte("FFL1")
	castag = crc32.MakeTable(crc32.Castagnoli)
)

const (
	kindSet    = 1
	kindDelete = 2
)

// described is one operation as a frame describes it.
type described struct {
	kind     byte
	key      string
	offset   int64 // of the value, from the end of the description
	size     int
	checksum uint32
}

func checksum(data []byte) uint32 { return crc32.Checksum(data, castag) }

// appendFrame adds the frame of a transaction, and says where in it the values begin.
func appendFrame(buf []byte, changes []Operation) (frame []byte, values int) {
	start := len(buf)
	buf = append(buf, make([]byte, headerSize)...)
	size := 0
	for _, c := range changes {
		kind := byte(kindSet)
		if c.Value == nil {
			kind = kindDelete
		}
		buf = append(buf, kind)
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(c.Key)))
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(c.Value)))
		buf = binary.BigEndian.AppendUint32(buf, checksum(c.Value))
		buf = append(buf, c.Key...)
		size += len(c.Value)
	}
	values = len(buf) - start
	header := buf[start:]
	copy(header, magic)
	binary.BigEndian.PutUint32(header[4:], uint32(values-headerSize))
	binary.BigEndian.PutUint32(header[8:], uint32(size))
	binary.BigEndian.PutUint32(header[12:], headerChecksum(header[:values]))
	for _, c := range changes {
		buf = append(buf, c.Value...)
	}
	return buf, values
}

// headerChecksum covers a header but for the checksum itself, and the description.
func headerChecksum(head []byte) uint32 {
	return crc32.Update(checksum(head[:12]), castag, head[headerSize:])
}

// lengths reads a header; false where it is none.
func lengths(header []byte) (description, values int, ok bool) {
	if len(header) < headerSize || !bytes.Equal(header[:4], magic) {
		return 0, 0, false
	}
	description, values = int(binary.BigEndian.Uint32(header[4:])), int(binary.BigEndian.Uint32(header[8:]))
	return description, values, description <= maxDescription && values <= maxValues
}

// parseDescription reads the operations; false where they do not match the checksum or the lengths.
func parseDescription(head []byte, values int) ([]described, bool) {
	if headerChecksum(head) != binary.BigEndian.Uint32(head[12:]) {
		return nil, false
	}
	var all []described
	var offset int64
	for rest := head[headerSize:]; len(rest) > 0; {
		if len(rest) < operationSize {
			return nil, false
		}
		keySize := int(binary.BigEndian.Uint32(rest[1:]))
		d := described{
			kind: rest[0], offset: offset, size: int(binary.BigEndian.Uint32(rest[5:])), checksum: binary.BigEndian.Uint32(rest[9:]),
		}
		if keySize > len(rest)-operationSize || (d.kind != kindSet && d.kind != kindDelete) {
			return nil, false
		}
		d.key = string(rest[operationSize : operationSize+keySize])
		offset += int64(d.size)
		all = append(all, d)
		rest = rest[operationSize+keySize:]
	}
	return all, offset == int64(values)
}
