package sockets

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestOwner(t *testing.T) {
	eachSource(t, func(t *testing.T, table *Table) {
		stage := newStage(t, "127.0.0.1", nil)
		client, server := stage.pair("127.0.0.1")
		noTimeWait(client, server)
		command, err := os.ReadFile("/proc/self/comm")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := client.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		want := Owner{PID: os.Getpid(), Command: string(command[:len(command)-1])}
		raw.Control(func(fd uintptr) { want.FD = int(fd) })
		s := reaches(t, table, local(client), stage.address, Established)
		if s.Owner != want || s.Has&DetailOwner == 0 || int(s.UID) != os.Getuid() {
			t.Errorf("owner %+v, uid %d; want %+v, %d", s.Owner, s.UID, want, os.Getuid())
		}
	})
}

// TestOwnerShared: a socket that a child holds too has two owners, and one when
// the child has gone.
func TestOwnerShared(t *testing.T) {
	table := open(t, SourceNetlink)
	stage := newStage(t, "127.0.0.1", nil)
	file, err := stage.listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{file}
	if err := child.Start(); err != nil {
		t.Skip("cannot start a child: ", err)
	}
	inode := list(t, table, Query{Filter: And(stage.filter(), LocalPort(stage.port()))})[0].Inode
	var owners Owners
	pids := func() map[int]int {
		if err := owners.Refresh(); err != nil {
			t.Fatal(err)
		}
		found := map[int]int{}
		for owner := range owners.All(inode) {
			found[owner.PID]++
		}
		return found
	}
	if got := pids(); got[child.Process.Pid] != 1 || got[os.Getpid()] != 2 || len(got) != 2 {
		t.Errorf("owners %v, want %d once and %d twice", got, child.Process.Pid, os.Getpid())
	}
	child.Process.Kill()
	child.Wait()
	if got := pids(); got[os.Getpid()] != 2 || len(got) != 1 {
		t.Errorf("owners %v, want %d only", got, os.Getpid())
	}
}

// TestOwnersRemember: within MaxAge a walk looks through /proc again only for
// sockets that it has never met.
func TestOwnersRemember(t *testing.T) {
	table := open(t, SourceNetlink)
	table.owners = &Owners{MaxAge: time.Hour}
	stage := newStage(t, "127.0.0.1", nil)
	q := Query{Filter: stage.filter(), Detail: DetailOwner}
	list(t, table, q)
	looked := table.owners.looked
	list(t, table, q)
	if table.owners.looked != looked {
		t.Error("a second walk looked again without need")
	}
	client := stage.dial("127.0.0.1")
	noTimeWait(client)
	for _, s := range list(t, table, q) {
		// The server's end was not accepted: it has no inode yet.
		if s.Inode != 0 && s.Owner.PID != os.Getpid() {
			t.Errorf("%v belongs to %+v", &s, s.Owner)
		}
	}
	if table.owners.looked == looked {
		t.Error("a new socket caused no look")
	}
	looked = table.owners.looked
	if _, ok := table.owners.during(1<<32 - 2); ok {
		t.Error("a socket that cannot be has an owner")
	}
	table.owners.begin()
	table.owners.during(1<<32 - 2)
	if table.owners.looked != looked {
		t.Error("a socket that was not found is looked for again")
	}
}

func TestOwnersZero(t *testing.T) {
	var owners Owners
	if _, ok := owners.Of(1<<32 - 2); ok || owners.looked.IsZero() {
		t.Error("a zero Owners does not look by itself")
	}
	for range owners.All(1<<32 - 2) {
		t.Error("a socket that cannot be has an owner")
	}
	if owners.Hidden() != 0 && os.Getuid() == 0 {
		t.Logf("%d processes are hidden from root", owners.Hidden())
	}
}
