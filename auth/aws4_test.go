package auth_test

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/auth"
)

// The requests and signatures of AWS's test suite for Signature Version 4 (Apache
// License 2.0, Amazon.com, Inc.), as facts: each is for example.amazonaws.com,
// region us-east-1, service "service", at one moment, with the keys of AWS's
// documentation. Left out are those that HTTP cannot send as they are (a line that
// is folded, a space in the target) or that say the same again.
var awsVectors = []struct {
	name, method, target string
	fields               [][2]string
	token, body          string
	signed, signature    string // signed: beside host and x-amz-date
}{
	{"get-vanilla", "GET", "/", nil, "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-header-key-duplicate", "GET", "/", [][2]string{{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}, "", "",
		"my-header1", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{"get-header-value-order", "GET", "/", [][2]string{{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}}, "", "",
		"my-header1", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	{"get-header-value-trim", "GET", "/", [][2]string{{"My-Header1", " value1"}, {"My-Header2", ` "a   b   c"`}}, "", "",
		"my-header1;my-header2", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{"get-header-value-multiline", "GET", "/", [][2]string{{"My-Header1", "value1  value2     value3"}}, "", "", // unfolded
		"my-header1", "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
	{"get-relative", "GET", "/example/..", nil, "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-relative-relative", "GET", "/example1/example2/../..", nil, "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash", "GET", "//", nil, "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash-dot-slash", "GET", "/./", nil, "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash-pointless-dot", "GET", "/./example", nil, "", "", "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
	{"get-slashes", "GET", "//example//", nil, "", "", "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", nil, "", "", "",
		"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
	{"get-space", "GET", "/example space/", nil, "", "", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{"get-utf8", "GET", "/ሴ", nil, "", "", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{"get-vanilla-empty-query-key", "GET", "/?Param1=value1", nil, "", "", "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{"get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", nil, "", "", "",
		"371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
	{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", nil, "", "", "",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"get-vanilla-query-unreserved", "GET", "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		nil, "", "", "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
	{"get-vanilla-utf8-query", "GET", "/?ሴ=bar", nil, "", "", "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{"get-vanilla-with-session-token", "GET", "/", nil, "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267", "",
		"x-amz-security-token", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
	{"post-vanilla", "POST", "/", nil, "", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"post-header-key-sort", "POST", "/", [][2]string{{"My-Header1", "value1"}}, "", "",
		"my-header1", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
	{"post-header-value-case", "POST", "/", [][2]string{{"My-Header1", "VALUE1"}}, "", "",
		"my-header1", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
	{"post-vanilla-query", "POST", "/?Param1=value1", nil, "", "", "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
	{"post-x-www-form-urlencoded", "POST", "/", [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"},
		{"X-Amz-Content-Sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}}, "", "Param1=value1",
		"content-length;content-type;x-amz-content-sha256", "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
	{"post-x-www-form-urlencoded-parameters", "POST", "/", [][2]string{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, {"Content-Length", "13"},
		{"X-Amz-Content-Sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}}, "", "Param1=value1",
		"content-length;content-type;x-amz-content-sha256", "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
}

// awsKeys are the keys of the vectors.
func awsKeys() auth.AWS4 {
	return auth.AWS4{
		AccessKey: "AKIDEXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		Region: "us-east-1", Service: "service",
		Now: func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) },
	}
}

// sign returns the fields that x sets.
func sign(t *testing.T, x auth.AWS4, a *sonde.AuthRequest) sonde.Header {
	t.Helper()
	if err := x.Authenticate(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	h, err := a.Fields()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAWS4Vectors(t *testing.T) {
	for _, tt := range awsVectors {
		t.Run(tt.name, func(t *testing.T) {
			a := &sonde.AuthRequest{
				Method: sonde.Method(tt.method), Host: "example.amazonaws.com", Target: tt.target,
				URL: &url.URL{Scheme: "https", Host: "example.amazonaws.com"},
			}
			if tt.body != "" {
				a.Body = sonde.Text(tt.body)
			}
			x := awsKeys()
			x.SessionToken = tt.token
			for _, f := range tt.fields {
				x.Sign = append(x.Sign, f[0])
				if err := a.Header.Add(f[0], f[1]); err != nil {
					t.Fatal(err)
				}
			}
			h := sign(t, x, a)
			names := "host;x-amz-date"
			if tt.signed != "" {
				all := append(strings.Split(tt.signed, ";"), "host", "x-amz-date")
				slices.Sort(all)
				names = strings.Join(all, ";")
			}
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + names +
				", Signature=" + tt.signature
			if got := h.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if h.Get("X-Amz-Date") != "20150830T123600Z" || h.Get("X-Amz-Security-Token") != tt.token {
				t.Error(h)
			}
		})
	}
}

// TestAWS4S3: the example of a GET with a Range in S3's documentation of the
// Authorization header.
func TestAWS4S3(t *testing.T) {
	a := asked("https://examplebucket.s3.amazonaws.com/test.txt")
	a.Header.Set("Range", "bytes=0-9")
	x := auth.AWS4{
		AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		Sign: []string{"range"},
		Now:  func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) },
	}
	h := sign(t, x, a)
	if got := h.Get("Authorization"); got != "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "+
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "+
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" {
		t.Error(got)
	}

	// And of a PUT, with a "$" in its path.
	put := asked("https://examplebucket.s3.amazonaws.com/test$file.text")
	put.Method, put.Body = sonde.PUT, sonde.Text("Welcome to Amazon S3.")
	put.Header.Set("Date", "Fri, 24 May 2013 00:00:00 GMT")
	put.Header.Set("x-amz-storage-class", "REDUCED_REDUNDANCY")
	x.Sign = []string{"Date"}
	h = sign(t, x, put)
	if got := h.Get("Authorization"); !strings.HasSuffix(got, "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "+
		"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd") {
		t.Error(got)
	}
	if got := h.Get("X-Amz-Content-Sha256"); got != "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072" {
		t.Error(got)
	}
}

// TestAWS4Paths: S3 takes a path as it is, once escaped; the others not.
func TestAWS4Paths(t *testing.T) {
	signature := func(service, target string) string {
		x := awsKeys()
		x.Service = service
		a := asked("https://a.example/")
		a.Target = target
		return sign(t, x, a).Get("Authorization")
	}
	same := func(service, a, b string) bool { return signature(service, a) == signature(service, b) }
	for _, tt := range []struct {
		service, a, b string
		want          bool
	}{
		{"s3", "/a%20b%2fc", "/a b/c", true},
		{"s3", "/a//b", "/a/b", false},
		{"s3", "/a/../b", "/b", false},
		{"s3", "/a+b", "/a%2Bb", true},
		{"other", "/a//b", "/a/b", true},
		{"other", "/a%20b", "/a b", false},
		{"other", "/a/b/..", "/a/", true},
		{"other", "/../a", "/a", true},
		{"other", "/?b=1&a=2", "/?a=2&b=1", true},
		{"other", "/?a=2&a=1", "/?a=1&a=2", true},
		{"other", "/?a", "/?a=", true},
		{"other", "/?a=b+c", "/?a=b%20c", true},
		{"other", "/?a=~", "/?a=%7e", true},
		{"other", "/?a=%zz", "/?a=%25zz", true},
		{"other", "/?a&&b", "/?a&b", true},
	} {
		if same(tt.service, tt.a, tt.b) != tt.want {
			t.Errorf("%s: %s and %s: same is %v", tt.service, tt.a, tt.b, !tt.want)
		}
	}
}

func TestAWS4Hosts(t *testing.T) {
	for host, want := range map[string]string{
		"s3.amazonaws.com":                            "/us-east-1/s3/",
		"my.bucket-with-dashes.s3.amazonaws.com":      "/us-east-1/s3/",
		"bucket.s3.eu-central-1.amazonaws.com":        "/eu-central-1/s3/",
		"abc.execute-api.us-gov-west-1.amazonaws.com": "/us-gov-west-1/execute-api/",
		"IAM.amazonaws.com":                           "/us-east-1/iam/",
	} {
		x := awsKeys()
		x.Region, x.Service = "", ""
		if got := sign(t, x, asked("https://"+host+"/")).Get("Authorization"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", host, got)
		}
	}
}

func TestAWS4Bodies(t *testing.T) {
	once := func() *sonde.AuthRequest {
		a := asked("https://a.example/")
		a.Method, a.Body = sonde.PUT, sonde.Reader(io.MultiReader(strings.NewReader("x")), -1)
		return a
	}
	x := awsKeys()
	if err := x.Authenticate(context.Background(), once()); err == nil || !strings.Contains(err.Error(), "only once") {
		t.Error(err)
	}
	x.Unsigned = true
	if got := sign(t, x, once()).Get("X-Amz-Content-Sha256"); got != "UNSIGNED-PAYLOAD" {
		t.Error(got)
	}
}

func TestAWS4Wrong(t *testing.T) {
	for _, change := range []func(*auth.AWS4){
		func(x *auth.AWS4) { x.AccessKey = "" }, func(x *auth.AWS4) { x.SecretKey = "" },
		func(x *auth.AWS4) { x.Region = "" }, func(x *auth.AWS4) { x.Service = "" },
		func(x *auth.AWS4) { x.AccessKey = "a\nb" },
	} {
		x := awsKeys()
		change(&x)
		if err := x.Authenticate(context.Background(), asked("https://a.example/")); err == nil || strings.Contains(err.Error(), "wJalr") {
			t.Error(err)
		}
	}
	if h := sign(t, awsKeys(), refused(asked("https://a.example/"), "AWS4-HMAC-SHA256")); h.Len() > 0 {
		t.Error("a refusal is answered:", h)
	}
	proxy := asked("https://a.example/")
	proxy.Proxy = true
	if h := sign(t, awsKeys(), proxy); h.Len() > 0 {
		t.Error("a proxy gets a signature:", h)
	}
}
