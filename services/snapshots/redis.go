package snapshots

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// callTimeout bounds every call of Redis.
	callTimeout = 50 * time.Millisecond
	// dialTimeout bounds a connection that is made beside the calls, which do not wait for it any longer than for anything else.
	dialTimeout = time.Second
	// redisConns is how many calls are under way at once.
	redisConns = 32
	// redisConnLife bounds how long a connection that fell out of step could go on unnoticed.
	redisConnLife = 5 * time.Minute
	// redirects is how often a call may follow a key that moved to another node of a cluster.
	redirects = 2
)

// Redis is what the nodes share beside Postgres: layer sets as sealed blobs, and notices that heads moved.
// Nothing depends on it: whatever it does or does not answer, reads are right, and hardly later.
type Redis struct {
	client  redis.UniversalClient
	ttl     time.Duration
	breaker breaker
}

// RedisOptions say where Redis is.
type RedisOptions struct {
	URL  string        // see CheckRedisURL
	TTL  time.Duration // how long a blob is kept
	Hook redis.Hook    // sees every command, for tests and telemetry; may be nil
	Now  func() time.Time
}

// OpenRedis makes the client. It does not connect: Redis may be down.
func OpenRedis(o RedisOptions) (*Redis, error) {
	where, err := parseRedisURL(o.URL)
	if err != nil {
		return nil, err
	}
	where.ContextTimeoutEnabled = true
	where.DialTimeout, where.DialerRetries = dialTimeout, 1
	where.ReadTimeout, where.WriteTimeout, where.PoolTimeout = callTimeout, callTimeout, callTimeout
	where.MaxRetries, where.MaxRedirects = -1, redirects
	where.PoolSize, where.ConnMaxLifetime = redisConns, redisConnLife
	where.DisableIdentity = true
	where.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewUniversalClient(where)
	if o.Hook != nil {
		client.AddHook(o.Hook)
	}
	return &Redis{client: client, ttl: o.TTL, breaker: breaker{now: o.Now}}, nil
}

// Close ends all connections; no Redis has none.
func (r *Redis) Close() error {
	if r == nil {
		return nil
	}
	return r.client.Close()
}

// CheckRedisURL tells whether the URL names a Redis: redis://user:password@host:port/database, or rediss:// for
// TLS; with master_name=… the hosts are Sentinels, with addr=host:port they are nodes of a cluster. The error
// does not repeat the URL, which holds a password.
func CheckRedisURL(raw string) error {
	_, err := parseRedisURL(raw)
	return err
}

// parseRedisURL takes from the URL where Redis is and who we are there. What else it may ask for, we decide.
func parseRedisURL(raw string) (*redis.UniversalOptions, error) {
	where, err := redisAt(raw)
	if err != nil {
		return nil, errors.New("is not of the form redis://host:port/database or rediss://…, with addr=… for a cluster or master_name=… for Sentinel")
	}
	if t := where.TLSConfig; t != nil {
		if t.InsecureSkipVerify {
			return nil, errors.New("asks not to verify certificates")
		}
		t.MinVersion = tls.VersionTLS12
	}
	return where, nil
}

func redisAt(raw string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, errors.New("no Redis URL")
	}
	switch q := u.Query(); {
	case q.Has("master_name"):
		o, err := redis.ParseFailoverURL(raw)
		if err != nil {
			return nil, err
		}
		return &redis.UniversalOptions{
			Addrs: o.SentinelAddrs, MasterName: o.MasterName, DB: o.DB, Protocol: o.Protocol, TLSConfig: o.TLSConfig,
			Username: o.Username, Password: o.Password, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
		}, nil
	case q.Has("addr"):
		o, err := redis.ParseClusterURL(raw)
		if err != nil {
			return nil, err
		}
		return &redis.UniversalOptions{
			Addrs: o.Addrs, IsClusterMode: true, Protocol: o.Protocol, TLSConfig: o.TLSConfig, Username: o.Username, Password: o.Password,
		}, nil
	default:
		o, err := redis.ParseURL(raw)
		if err != nil {
			return nil, err
		}
		return &redis.UniversalOptions{
			Addrs: []string{o.Addr}, DB: o.DB, Protocol: o.Protocol, TLSConfig: o.TLSConfig, Username: o.Username, Password: o.Password,
		}, nil
	}
}

// Ping tells whether Redis answers. It costs nothing while calls are held back.
func (r *Redis) Ping(ctx context.Context) error {
	_, err := call(ctx, r, func(ctx context.Context) (string, error) { return r.client.Ping(ctx).Result() })
	return err
}

// get is a blob; errNoBlob when there is none.
func (r *Redis) get(ctx context.Context, key string) ([]byte, error) {
	blob, err := call(ctx, r, func(ctx context.Context) ([]byte, error) { return r.client.Get(ctx, key).Bytes() })
	if errors.Is(err, redis.Nil) {
		return nil, errNoBlob
	}
	return blob, err
}

func (r *Redis) put(ctx context.Context, key string, blob []byte) error {
	_, err := call(ctx, r, func(ctx context.Context) (string, error) { return r.client.Set(ctx, key, blob, r.ttl).Result() })
	return err
}

func (r *Redis) drop(ctx context.Context, key string) error {
	_, err := call(ctx, r, func(ctx context.Context) (int64, error) { return r.client.Del(ctx, key).Result() })
	return err
}

func (r *Redis) publish(ctx context.Context, message []byte) error {
	_, err := call(ctx, r, func(ctx context.Context) (int64, error) { return r.client.Publish(ctx, channel, message).Result() })
	return err
}

var (
	errNoBlob   = errors.New("redis: no such blob")
	errHeldBack = errors.New("redis: calls are held back, it did not answer")
)

// call makes one call of Redis, within callTimeout whatever happens; none while the breaker is open.
func call[T any](ctx context.Context, r *Redis, do func(context.Context) (T, error)) (T, error) {
	held, look := r.breaker.held()
	if look { // nobody waits for it
		go r.look(context.WithoutCancel(ctx))
	}
	if held {
		var none T
		return none, errHeldBack
	}
	out, err := bounded(ctx, do)
	r.breaker.note(answered(err))
	return out, err
}

// look tries whether Redis answers again.
func (r *Redis) look(ctx context.Context) {
	_, err := bounded(ctx, func(ctx context.Context) (string, error) { return r.client.Ping(ctx).Result() })
	r.breaker.note(answered(err))
}

func answered(err error) bool { return err == nil || errors.Is(err, redis.Nil) }

// bounded does not rely on the client to come back in time, nor on what it makes of replies that nobody sane sends.
func bounded[T any](ctx context.Context, do func(context.Context) (T, error)) (T, error) {
	type result struct {
		out T
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { done <- r }()
		defer rescue(&r.err)
		r.out, r.err = do(ctx)
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// rescue makes an error of a panic: the client's parser trusts what it reads.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("redis: an unreadable reply: %v", p)
	}
}
