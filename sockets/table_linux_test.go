package sockets

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

func TestUnix(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		for _, path := range []string{filepath.Join(t.TempDir(), "a socket"), "@sonde-" + t.Name()} {
			listener, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			client, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			checkUnix(t, table, path)
		}
	})
}

// checkUnix wants to see the listener, and the server's end joined to a client's.
func checkUnix(t *testing.T, table *Table, path string) {
	t.Helper()
	ends := map[uint32]Socket{}
	counts := Counts{}
	for _, s := range list(t, table, Query{Proto: Unix, Detail: DetailOwner}) {
		ends[s.Inode] = s
		if s.Path == path {
			counts.Add(s.State)
		}
	}
	if want := (Counts{Listen: 1, Established: 1}); counts != want {
		t.Errorf("%s: counted %v, want %v", path, counts, want)
	}
	for _, s := range ends {
		if s.Path != path || s.State != Established {
			continue
		}
		if s.Kind != unix.SOCK_STREAM || s.Owner.PID != unix.Getpid() {
			t.Errorf("%s: kind %d, owner %+v", path, s.Kind, s.Owner)
		}
		if peer := ends[s.PeerInode]; table.Source() == SourceNetlink && peer.PeerInode != s.Inode {
			t.Errorf("%s: inode %d has peer %d, whose peer is %d", path, s.Inode, s.PeerInode, peer.PeerInode)
		}
	}
}

// TestLeaveEarly leaves a walk and begins the next, many times: the kernel
// refuses a dump while another is unread.
func TestLeaveEarly(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		stage := newStage(t, "127.0.0.1", nil)
		for range 20 {
			stage.pair("127.0.0.1")
		}
		q := Query{Filter: stage.filter()}
		for stop := range 30 {
			n := 0
			for _, err := range table.All(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n > stop {
					break
				}
			}
		}
		if n := len(list(t, table, q)); n != 41 {
			t.Errorf("%d sockets, want 41", n)
		}
	})
}

func TestMisuse(t *testing.T) {
	stage := newStage(t, "127.0.0.1", nil)
	q := Query{Filter: And(stage.filter(), LocalPort(stage.port()))}
	eachSource(t, func(t *testing.T, table *Table) {
		for _, err := range table.All(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := table.List(t.Context(), q); !errors.Is(err, ErrBusy) {
				t.Errorf("a walk within a walk: %v, want ErrBusy", err)
			}
		}
		cause := errors.New("the cause")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if _, err := table.List(ctx, q); !errors.Is(err, cause) {
			t.Errorf("a cancelled walk: %v, want its cause", err)
		}
		if n := len(list(t, table, q)); n != 1 {
			t.Errorf("after a cancelled walk: %d sockets, want 1", n)
		}
		for name, q := range map[string]Query{"protocol": {Proto: 9}, "family": {Family: 5}} {
			if _, err := table.Count(t.Context(), q); err == nil {
				t.Errorf("a wrong %s is accepted", name)
			}
		}
		for range 2 {
			if err := table.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if _, err := table.List(t.Context(), q); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
		if err := table.Destroy(&Socket{Cookie: 1}); !errors.Is(err, ErrClosed) {
			t.Errorf("destroy after Close: %v, want ErrClosed", err)
		}
	})
}

// refusal is a netlink socket that a sandbox forbids to use.
type refusal struct{ netlink.Socket }

func (refusal) Send(netlink.Message) error { return unix.EPERM }
func (refusal) Close() error               { return nil }

func TestFallback(t *testing.T) {
	open(t, SourceProc) // or skip
	stage := newStage(t, "127.0.0.1", nil)
	q := Query{Filter: And(stage.filter(), LocalPort(stage.port()))}
	for _, wanted := range []Source{SourceAuto, SourceNetlink} {
		table := &Table{system: system{
			wanted:  wanted,
			netlink: &netlinkConn{conn: netlink.NewConn(refusal{}, 1)},
		}}
		all, err := table.List(t.Context(), q)
		if wanted == SourceNetlink {
			if !errors.Is(err, fs.ErrPermission) || table.Source() != SourceNetlink {
				t.Errorf("netlink only: %v from %v, want no permission", err, table.Source())
			}
			continue
		}
		if err != nil || len(all) != 1 || table.Source() != SourceProc {
			t.Errorf("the fallback lists %d sockets from %v, %v; want 1 from proc", len(all), table.Source(), err)
		}
	}
}

// TestProcAgrees compares both sources on sockets in many states.
func TestProcAgrees(t *testing.T) {
	kernel, proc := open(t, SourceNetlink), open(t, SourceProc)
	for _, address := range []string{"127.0.0.1", "::1"} {
		stage := newStage(t, address, nil)
		client, _ := stage.pair(address)
		client.Write([]byte("unread"))
		client.CloseWrite()
		stage.pair(address)
		ends, server := stage.pair(address)
		ends.Close()
		reaches(t, kernel, local(ends), stage.address, FinWait2)
		server.Close()
		stage.dial(address) // and nobody accepts
		eventually(t, "both sources agree", func() bool {
			want, got := summary(t, kernel, stage.filter()), summary(t, proc, stage.filter())
			same := len(want) == 8 && len(got) == len(want)
			for pair, s := range want {
				same = same && got[pair] == s
			}
			return same
		})
	}
}

// summary is what both sources tell alike, by connection.
func summary(t *testing.T, table *Table, filter Filter) map[Pair]Socket {
	all := map[Pair]Socket{}
	for _, s := range list(t, table, Query{Filter: filter}) {
		kept := Socket{
			Proto: s.Proto, Family: s.Family, State: s.State, Local: s.Local, Remote: s.Remote,
			Inode: s.Inode, UID: s.UID, RecvQueue: s.RecvQueue,
		}
		if s.State != Listen { // /proc does not know the limit of the queue
			kept.SendQueue = s.SendQueue
		}
		all[s.Pair()] = kept
	}
	return all
}

func TestDestroy(t *testing.T) {
	table := open(t, SourceNetlink)
	for _, address := range []string{"127.0.0.1", "::1"} {
		stage := newStage(t, address, nil)
		client, _ := stage.pair(address)
		s := reaches(t, table, local(client), stage.address, Established)
		wrong := s
		wrong.Cookie++
		if err := table.Destroy(&wrong); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("with another socket's cookie: %v, want that it does not exist", err)
		}
		switch err := table.Destroy(&s); {
		case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EOPNOTSUPP):
			t.Skip("SOCK_DESTROY needs CAP_NET_ADMIN and CONFIG_INET_DIAG_DESTROY: ", err)
		case err != nil:
			t.Fatal(err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNABORTED) && err != io.EOF {
			t.Errorf("read from a destroyed socket: %v", err)
		}
		if _, ok := find(t, table, local(client), stage.address); ok {
			t.Error("the destroyed socket is still listed")
		}
	}
	for name, s := range map[string]Socket{"without a cookie": {Proto: TCP}, "Unix": {Proto: Unix, Cookie: 1}} {
		if err := table.Destroy(&s); err == nil {
			t.Errorf("a socket %s is accepted", name)
		}
	}
	if err := open(t, SourceProc).Destroy(&Socket{Proto: TCP, Cookie: 1}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("over /proc: %v, want that it is not supported", err)
	}
}

// TestWalkAllocations: what a walk allocates does not grow with the sockets.
func TestWalkAllocations(t *testing.T) {
	table := open(t, SourceNetlink)
	stage := newStage(t, "127.0.0.1", nil)
	walk := func() float64 {
		q := Query{Filter: stage.filter(), Detail: DetailAll &^ DetailOwner}
		ctx := context.Background()
		return testing.AllocsPerRun(20, func() {
			for _, err := range table.All(ctx, q) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	few := walk()
	for range 100 {
		client, server := stage.pair("127.0.0.1")
		noTimeWait(client, server)
	}
	if many := walk(); many > few+2 {
		t.Errorf("%.0f allocations for 1 socket, %.0f for 201", few, many)
	}
}
