package compat

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// store is as much of S3 as the test needs.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, location := r.URL.Query()["location"]; location {
		io.WriteString(w, `<?xml version="1.0"?><LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`)
		return
	}
	switch r.Method {
	case "PUT":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.objects[r.URL.Path] = body
		w.Header().Set("ETag", tag(body))
	case "DELETE":
		delete(s.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		body, ok := s.objects[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			if r.Method != "HEAD" {
				io.WriteString(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>`)
			}
			return
		}
		w.Header().Set("ETag", tag(body))
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(body))
	}
}

func tag(b []byte) string {
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func TestS3(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		srv := serve(t, (&store{objects: map[string][]byte{}}).ServeHTTP)
		c, err := minio.New(strings.TrimPrefix(srv.URL, "http://"), &minio.Options{
			Creds: credentials.NewStatic("", "", "", credentials.SignatureAnonymous), Transport: rt, Region: "us-east-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		var got []any
		for _, size := range []int{0, 10, 100_000, 3_000_000} {
			data := bytes.Repeat([]byte{byte(size), 'x'}, size/2)
			up, err := c.PutObject(ctx, "bucket", "key", bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{ContentType: "x/y"})
			if err != nil {
				t.Fatal(err)
			}
			info, err := c.StatObject(ctx, "bucket", "key", minio.StatObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			o, err := c.GetObject(ctx, "bucket", "key", minio.GetObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			back, err := io.ReadAll(o)
			o.Close()
			got = append(got, up.ETag, info.Size, info.ETag, bytes.Equal(back, data), err)
			if len(data) > 10 { // a part of it
				o, _ := c.GetObject(ctx, "bucket", "key", minio.GetObjectOptions{})
				part := make([]byte, 5)
				n, err := o.ReadAt(part, 3)
				o.Close()
				got = append(got, n, err, part)
			}
		}
		if err := c.RemoveObject(ctx, "bucket", "key", minio.RemoveObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		_, err = c.StatObject(ctx, "bucket", "key", minio.StatObjectOptions{})
		return append(got, minio.ToErrorResponse(err).Code)
	})
}
