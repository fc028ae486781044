package snapshots

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

const (
	// maxBlobBytes is what still travels within callTimeout in a good network; larger sets stay in Postgres.
	maxBlobBytes = 4 << 20
	// blobQueue is how many sets may wait to be written to Redis; what comes beyond is not written.
	blobQueue = 64
	// openTimeout bounds the opening of a blob, which may have to fetch the data key first.
	openTimeout = 250 * time.Millisecond
)

// blobJob is something to do in Redis beside the reads: write a set, or take a blob away that is not what it should be.
type blobJob struct {
	head  models.Head
	epoch string
	set   *configs.LayerSet // nil: take away
}

// blobKey is where a layer set lies in Redis. What lies there never changes.
func blobKey(h models.Head) string {
	return "hs:set:" + h.TenantID + ":" + h.Environment + ":" + h.Token
}

// associated binds a blob to what it is: no blob opens in another place, or for another database.
func associated(epoch string, h models.Head) []byte {
	out := appendText([]byte("layer set\x00"), epoch)
	out = appendText(appendText(out, h.TenantID), h.Environment)
	return binary.AppendVarint(appendText(out, h.Token), h.Revision)
}

// shared is the layer set of exactly this head as another node left it in Redis; nil when there is none that can be used.
func (s *Service) shared(ctx context.Context, epoch *string, head models.Head) *configs.LayerSet {
	if s.redis == nil || epoch == nil || head.Token == "" {
		return nil
	}
	sealed, err := s.redis.get(ctx, blobKey(head))
	switch {
	case errors.Is(err, errNoBlob):
		s.metrics.blobs.miss.Inc()
		return nil
	case err != nil:
		s.metrics.blobs.failed.Inc()
		return nil
	}
	set, err := s.openBlob(ctx, *epoch, head, sealed)
	if err != nil {
		s.metrics.blobs.dropped.Inc()
		s.log.WarnContext(ctx, "a blob in Redis is not what it should be, it is loaded anew", slog.Any("error", err),
			slog.String("layer", head.TenantID), slog.String("environment", head.Environment))
		s.later(blobJob{head: head})
		return nil
	}
	s.metrics.blobs.hit.Inc()
	return set
}

func (s *Service) openBlob(ctx context.Context, epoch string, head models.Head, sealed []byte) (*configs.LayerSet, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	plain, err := s.secrets.OpenBlob(ctx, sealed, associated(epoch, head))
	if err != nil {
		return nil, err
	}
	set, err := decodeSet(plain)
	if err != nil {
		return nil, err
	}
	if set.Head != head {
		return nil, errors.New("the blob holds another layer set")
	}
	return set, nil
}

// share leaves a set that was loaded from Postgres to the other nodes, soon and without anybody waiting for it.
func (s *Service) share(epoch *string, set *configs.LayerSet) {
	if s.redis != nil && epoch != nil && set.Head.Token != "" {
		s.later(blobJob{head: set.Head, epoch: *epoch, set: set})
	}
}

func (s *Service) later(job blobJob) {
	select {
	case s.blobJobs <- job:
	default:
		s.metrics.writes.left.Inc()
	}
}

// writeBlobs does what is to be done in Redis beside the reads, until the context ends.
func (s *Service) writeBlobs(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-s.blobJobs:
			s.writeBlob(ctx, job)
		}
	}
}

func (s *Service) writeBlob(ctx context.Context, job blobJob) {
	if job.set == nil {
		_ = s.redis.drop(ctx, blobKey(job.head)) // who finds it again drops it again
		return
	}
	if s.heads.at(job.head.Key()).get().Token != job.head.Token {
		return // nobody will ask for it
	}
	plain := encodeSet(job.set)
	if len(plain) > maxBlobBytes {
		s.metrics.writes.left.Inc()
		return
	}
	sealed, err := s.secrets.SealBlob(ctx, plain, associated(job.epoch, job.head))
	if err == nil {
		err = s.redis.put(ctx, blobKey(job.head), sealed)
	}
	if err != nil {
		s.metrics.writes.failed.Inc() // the breaker and the overview tell of Redis
		return
	}
	s.metrics.writes.ok.Inc()
}
