// tlog_sumdb: verifies a log of bulkhead's with the code of Go's checksum
// database (golang.org/x/mod/sumdb), which knows nothing of bulkhead: the signed
// note, every tile against the root, every record against its tile, and the
// proofs that `bulkhead audit prove` gives out. What is ours here is reading
// files and the two text formats.
//
// usage: tlog_sumdb LOG [old CHECKPOINT PROOF | PROOF]...
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func fail(format string, args ...interface{}) {
	fmt.Printf("failed: "+format+"\n", args...)
	os.Exit(1)
}

func read(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		fail("%v", err)
	}
	return b
}

// checkpoint opens a signed note and reads its tree.
func checkpoint(text []byte, v note.Verifier) tlog.Tree {
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		fail("note: %v", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != v.Name() {
		fail("checkpoint: %q", n.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("size: %v", err)
	}
	h, err := tlog.ParseHash(lines[2])
	if err != nil {
		fail("root: %v", err)
	}
	return tlog.Tree{N: size, Hash: h}
}

// tiles reads the log's tiles: their paths are those of the checksum database
// without the height.
type tiles struct{ log string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range list {
		path := strings.Replace(tile.Path(), "tile/8/", "/tile/", 1)
		b, err := os.ReadFile(t.log + path)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// records calls f for each record of the entry bundles.
func records(log string, size int64, f func(n int64, record []byte)) {
	for n := int64(0); n < size; {
		tile := tlog.Tile{H: height, L: 0, N: n >> height, W: 1 << height}
		if left := size - n; left < 1<<height {
			tile.W = int(left)
		}
		path := strings.Replace(tile.Path(), "tile/8/0/", "/tile/entries/", 1)
		b := read(log + path)
		for i := 0; i < tile.W; i++ {
			if len(b) < 2 || len(b) < 2+int(b[0])<<8+int(b[1]) {
				fail("%s ends too early", path)
			}
			end := 2 + int(b[0])<<8 + int(b[1])
			f(n, b[2:end])
			b = b[end:]
			n++
		}
		if len(b) != 0 {
			fail("%s goes on where it must end", path)
		}
	}
}

func hashes(lines []string) []tlog.Hash {
	var out []tlog.Hash
	for _, line := range lines {
		h, err := tlog.ParseHash(line)
		if err != nil {
			fail("hash: %v", err)
		}
		out = append(out, h)
	}
	return out
}

// split gives the lines before the empty one, and the note behind it.
func split(path string) ([]string, []byte) {
	b := read(path)
	at := bytes.Index(b, []byte("\n\n"))
	if at < 0 {
		fail("%s: no note", path)
	}
	return strings.Split(string(b[:at]), "\n"), b[at+2:]
}

func inclusion(path string, v note.Verifier) {
	lines, text := split(path)
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail("%s: %q", path, lines)
	}
	record, err := base64.StdEncoding.DecodeString(
		strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		fail("%s: %v", path, err)
	}
	index, err := strconv.ParseInt(
		strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		fail("%s: %v", path, err)
	}
	t := checkpoint(text, v)
	err = tlog.CheckRecord(hashes(lines[3:]), t.N, t.Hash, index,
		tlog.RecordHash(record))
	if err != nil {
		fail("%s: %v", path, err)
	}
}

func growth(old, path string, v note.Verifier) {
	from := checkpoint(read(old), v)
	lines, text := split(path)
	if lines[0] != fmt.Sprintf("old %d", from.N) {
		fail("%s: %q", path, lines)
	}
	to := checkpoint(text, v)
	err := tlog.CheckTree(hashes(lines[1:]), to.N, to.Hash, from.N,
		from.Hash)
	if err != nil {
		fail("%s: %v", path, err)
	}
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: tlog_sumdb LOG [old CHECKPOINT PROOF | PROOF]...")
	}
	log := os.Args[1]
	vkey := strings.TrimSpace(string(read(log + "/vkey")))
	v, err := note.NewVerifier(vkey)
	if err != nil {
		fail("vkey: %v", err)
	}
	tree := checkpoint(read(log+"/checkpoint"), v)
	reader := tlog.TileHashReader(tree, tiles{log})
	records(log, tree.N, func(n int64, record []byte) {
		h, err := reader.ReadHashes(
			[]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			fail("record %d: %v", n, err)
		}
		if h[0] != tlog.RecordHash(record) {
			fail("record %d is not that of its tile", n)
		}
	})
	proofs := 0
	for args := os.Args[2:]; len(args) > 0; proofs++ {
		if args[0] == "old" && len(args) > 2 {
			growth(args[1], args[2], v)
			args = args[3:]
		} else {
			inclusion(args[0], v)
			args = args[1:]
		}
	}
	fmt.Printf("%d records and %d proofs verified\n", tree.N, proofs)
}
