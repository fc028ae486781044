package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a running redis-server of our own, without a password.
type Redis struct {
	*place
	port  int
	child *child
}

// StartRedis starts a redis-server (7 or newer) on Dir/redis. It first ends what an earlier, killed process left running
// there. ctx bounds the start only. The error is ErrInUse when another process works in Dir.
func StartRedis(ctx context.Context, opts Options) (*Redis, error) {
	place, err := enter(opts, "redis")
	if err != nil {
		return nil, err
	}
	r := &Redis{place: place}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Redis: %w", err), r.Stop(ctx))
	}
	go r.child.watch(context.WithoutCancel(ctx), "redis-server", r.log)
	return r, nil
}

func (r *Redis) start(ctx context.Context) error {
	if err := r.orphan().end(ctx, r.log, terminate()...); err != nil {
		return err
	}
	user, err := accountFor(r.data())
	if err != nil {
		return err
	}
	if err := makePrivate(r.data(), user); err != nil {
		return err
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("redis-server is not installed: run make bootstrap")
	}
	return r.serve(ctx, path, user)
}

// serve tries a few times: somebody may take the port between our look and Redis' own.
func (r *Redis) serve(ctx context.Context, path string, user *account) (err error) {
	for range 3 {
		if err = r.serveOnce(ctx, path, user); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (r *Redis) serveOnce(ctx context.Context, path string, user *account) (err error) {
	if r.port, err = r.freePort(ctx); err != nil {
		return err
	}
	r.child, err = launch(ctx, program{
		path: path, args: r.arguments(), user: user, log: r.file("log"), death: syscall.SIGTERM,
	})
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: r.address(), MaxRetries: -1})
	defer client.Close() // only asked
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if r.child.ended() {
			return false, r.child.failure("redis-server")
		}
		return r.answers(ctx, client), nil
	})
	if err != nil && !r.child.ended() {
		err = errors.Join(err, r.child.stop(ctx, terminate()...))
	}
	return err
}

// terminate is Redis' ordinary end, which saves, then the one it cannot refuse.
func terminate() []step {
	return []step{{syscall.SIGTERM, 10 * time.Second}, {syscall.SIGKILL, 5 * time.Second}}
}

// answers asks for the process id, so a server of somebody else on that port is not taken for ours.
func (r *Redis) answers(ctx context.Context, client *redis.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := client.Info(ctx, "server").Result()
	return err == nil && strings.Contains(info, "process_id:"+strconv.Itoa(r.child.process.Pid)+"\r\n")
}

func (r *Redis) arguments() []string {
	save := "60 1" // also makes a shutdown save
	if r.fast {
		save = ""
	}
	return []string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.data(), "--pidfile", r.orphan().pidFile,
		"--daemonize", "no", "--save", save, "--appendonly", "no",
		"--set-proc-title", "no", // the arguments tell an orphan from a stranger
		"--shutdown-on-sigterm", "force", // else it lives on when it cannot save, for its directory is gone
	}
}

func (r *Redis) address() string { return "127.0.0.1:" + strconv.Itoa(r.port) }

// URL is redis://127.0.0.1:PORT/0.
func (r *Redis) URL() string { return "redis://" + r.address() + "/0" }

// Stop saves and ends the server, then frees the directory. A second call does nothing.
func (r *Redis) Stop(ctx context.Context) error {
	var err error
	if r.child != nil && !r.child.ended() {
		err = r.child.stop(ctx, terminate()...)
	}
	if errLeave := r.leave(); !errors.Is(errLeave, os.ErrClosed) {
		err = errors.Join(err, errLeave)
	}
	return err
}

func (r *Redis) orphan() orphan {
	return orphan{
		pidFile: filepath.Join(r.data(), "redis.pid"), program: "redis-server", flag: "--dir", data: r.data(),
	}
}
