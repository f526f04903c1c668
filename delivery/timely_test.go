package delivery

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A body that is read in time is read whole; after the end it is not, nor when the request is tried again.
func TestS93_NoBodyAfterTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://a.example/inbox", strings.NewReader("body"))
		require.NoError(t, err)
		timely(r, time.Now().Add(time.Minute))
		require.EqualValues(t, 4, r.ContentLength)
		got, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, "body", string(got))
		again, err := r.GetBody()
		require.NoError(t, err)
		time.Sleep(time.Minute)
		got, err = io.ReadAll(again)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, got)
		again, err = r.GetBody()
		require.NoError(t, err)
		_, err = again.Read(make([]byte, 1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
