package compat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestAWS(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		srv := serve(t, (&store{objects: map[string][]byte{}}).ServeHTTP)
		c := s3.New(s3.Options{
			BaseEndpoint: aws.String(srv.URL), UsePathStyle: true, Region: "us-east-1",
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
			HTTPClient:  &http.Client{Transport: rt},
		})
		ctx := context.Background()
		bucket, key := aws.String("bucket"), aws.String("a key/ü")
		var got []any
		for _, size := range []int{0, 10, 3_000_000} {
			data := bytes.Repeat([]byte{byte(size), 'x'}, size/2)
			up, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(data)})
			if err != nil {
				t.Fatal(err)
			}
			o, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
			if err != nil {
				t.Fatal(err)
			}
			back, err := io.ReadAll(o.Body)
			o.Body.Close()
			got = append(got, *up.ETag, *o.ContentLength, *o.ETag, bytes.Equal(back, data), err)
		}
		if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
			t.Fatal(err)
		}
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		missing := (*types.NoSuchKey)(nil)
		got = append(got, errors.As(err, &missing))
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		_, err = c.GetObject(canceled, &s3.GetObjectInput{Bucket: bucket, Key: key})
		return append(got, errors.Is(err, context.Canceled))
	})
}
