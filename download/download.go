// Package download gets a resource into a file: resumed where an earlier attempt
// broke off, in several parts at once where that is asked for, and verified.
//
// What comes is kept beside the file, as FILE.part and FILE.part.json, until all of it
// is there; then it is renamed. Parts are put together only if a strong validator says
// that they are of the same representation (RFC 9110 §13.1.5, §15.3.7.3): the server
// is asked by If-Range, and its answers are checked all the same.
package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"sonde"
	"sonde/digest"
)

// Options say how to download. The zero Options work.
type Options struct {
	// Client sends the requests. Nil: sonde.Default().
	Client *sonde.Client

	// Request is options of each request, such as credentials. Range, If-Range and
	// Accept-Encoding are the download's own.
	Request []sonde.Option

	// Parts is how many requests are under way at once, where the server has ranges
	// and a strong validator. 0: 1.
	Parts int

	// MinPart is how many bytes a part has at least. 0: 1 MiB.
	MinPart int64

	// Tries is how often the download goes on after its connection broke without
	// a byte having come. 0: 3; negative: never.
	Tries int

	// Restarts is how often it begins anew because the resource has changed
	// meanwhile. 0: 3; negative: never, ErrChanged is returned.
	Restarts int

	// Fresh begins anew whatever there is of an earlier download.
	Fresh bool

	// Progress is called as bytes come, with all there are so far and the size, -1 if
	// that is not known. Its calls do not overlap.
	Progress func(done, total int64)

	// Sum is what the file must have. The zero Digest: anything.
	Sum digest.Digest

	// CheckDigest asks for a Repr-Digest (RFC 9530) and holds the file to it if the
	// server sends one.
	CheckDigest bool
}

// Result says what was downloaded.
type Result struct {
	Size     int64
	Resumed  int64  // bytes that an earlier download had left
	Requests int    // that were sent
	Restarts int    // because the resource had changed
	ETag     string // of the representation, "" if it has none
	Encoding string // Content-Encoding, of the file too; "" if none
	Verified bool   // by Sum or a Repr-Digest
}

// ErrChanged is in the chain of the error of a download whose resource changed more
// often than Options.Restarts allows.
var ErrChanged = errors.New("download: the resource has changed meanwhile")

const (
	defaultMinPart  = 1 << 20
	defaultTries    = 3
	defaultRestarts = 3
	firstWait       = 50 * time.Millisecond // before another try; it doubles
)

func byDefault[T int | int64](x, d T) T {
	if x == 0 {
		return d
	}
	return max(x, 0)
}

// File downloads url to path. After an error, what came is kept for the next call,
// unless it is known to be wrong. Two downloads to one path must not run at once.
//
// The error is a *sonde.Error if a request failed, has digest.ErrMismatch in its chain
// if the file is not what it should be, or is ErrChanged or one of the file system's.
func File(ctx context.Context, url, path string, o Options) (Result, error) {
	d := &download{url: url, path: path, o: o}
	d.o.Tries, d.o.Restarts = byDefault(o.Tries, defaultTries), byDefault(o.Restarts, defaultRestarts)
	d.o.Parts, d.o.MinPart = max(o.Parts, 1), byDefault(o.MinPart, defaultMinPart)
	if d.client = o.Client; d.client == nil {
		d.client = sonde.Default()
	}
	f, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return Result{}, err
	}
	d.file = f
	defer f.Close()
	if d.reset(); !o.Fresh {
		d.load()
	}
	d.result.Resumed = d.have
	if err := d.fetch(ctx); err != nil {
		return d.told(), errors.Join(err, d.leave())
	}
	err = d.finish()
	return d.told(), err
}

// download is one under way.
type download struct {
	o         Options
	client    *sonde.Client
	url, path string
	file      *os.File

	mu     sync.Mutex // guards what follows while parts are under way
	state  state
	have   int64 // bytes in the file
	saved  int64 // have, when the state was saved last
	whole  bool  // the server is not to be asked for a part first
	result Result
}

// told is the result so far.
func (d *download) told() Result {
	d.result.Size, d.result.ETag, d.result.Encoding = d.state.Size, d.state.ETag, d.state.Encoding
	return d.result
}

// fetch gets what is missing, until nothing is.
func (d *download) fetch(ctx context.Context) error {
	for tries, most := 0, d.have; ; {
		err := d.round(ctx)
		switch {
		case err == nil && len(d.state.Missing) == 0:
			return nil
		case err == nil:
			continue
		case errors.Is(err, errNoRanges):
			d.reset()
			continue
		case errors.Is(err, ErrChanged):
			if d.result.Restarts == d.o.Restarts {
				return err
			}
			d.result.Restarts++
			d.reset()
			continue
		}
		if d.have > most {
			tries, most = 0, d.have
		}
		if tries == d.o.Tries || !passing(err) || ctx.Err() != nil {
			return err
		}
		if !d.state.strong() { // without a validator there is nothing to go on with
			d.reset()
		}
		select {
		case <-time.After(firstWait << tries):
		case <-ctx.Done():
		}
		tries++
	}
}

// passing reports whether another try may do better.
func passing(err error) bool {
	var e *sonde.Error
	if !errors.As(err, &e) {
		return errors.Is(err, io.ErrUnexpectedEOF)
	}
	switch e.Op {
	case sonde.OpConnect, sonde.OpWrite, sonde.OpFirstByte, sonde.OpRead:
		return true
	}
	return false
}

// round sends a request for each part that is missing, some at once; the first one
// of all says what there is.
func (d *download) round(ctx context.Context) error {
	if d.state.Missing == nil {
		return d.first(ctx)
	}
	defer func() { d.state.drop() }()
	if d.o.Parts == 1 {
		return d.part(ctx, d.state.Missing[0])
	}
	d.state.split(d.o.Parts, d.o.MinPart)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	slots := make(chan struct{}, d.o.Parts)
	for _, s := range d.state.Missing {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := d.part(ctx, s); err != nil {
				once.Do(func() { failed = err })
				cancel()
			}
		})
	}
	wg.Wait()
	if failed == nil {
		return context.Cause(ctx)
	}
	return failed
}

// finish verifies the file and puts it in its place.
func (d *download) finish() error {
	if err := d.verify(); err != nil {
		d.file.Close()
		return errors.Join(err, d.remove())
	}
	if err := d.file.Truncate(d.state.Size); err != nil {
		return err
	}
	if err := d.file.Sync(); err != nil {
		return err
	}
	if err := d.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(d.path+".part", d.path); err != nil {
		return err
	}
	return removed(d.path + ".part.json")
}

// verify holds the file to the digests that there are.
func (d *download) verify() error {
	var want []digest.Digest
	if d.o.Sum.Algorithm != "" {
		want = append(want, d.o.Sum)
	}
	if d.o.CheckDigest {
		want = append(want, digest.Parse(d.state.Digest)...)
	}
	for _, w := range want {
		h := w.Algorithm.New()
		if h == nil {
			return fmt.Errorf("download: digest algorithm %q is not known", string(w.Algorithm))
		}
		if _, err := io.Copy(h, io.NewSectionReader(d.file, 0, d.state.Size)); err != nil {
			return err
		}
		if sum := h.Sum(nil); string(sum) != string(w.Sum) {
			return fmt.Errorf("download: %w: %s should be %x, is %x", digest.ErrMismatch, w.Algorithm, w.Sum, sum)
		}
		d.result.Verified = true
	}
	return nil
}
