package delivery_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/queue"
	qmem "github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// inMemory runs the suite's case that the test is named after.
func inMemory(t *testing.T) {
	t.Helper()
	t.Parallel()
	deliverytest.RunCase(t, deliverytest.Options{Open: func(*testing.T) (storage.Store, queue.Queue) {
		s := memory.New()
		s.Queue().(*qmem.Queue).Logger = slog.New(slog.DiscardHandler)
		return s, s.Queue()
	}}, strings.TrimPrefix(t.Name(), "Test"))
}

func TestI101_OnePostPerInbox(t *testing.T)                { inMemory(t) }
func TestS46_SharedInboxOfAnotherOrigin(t *testing.T)      { inMemory(t) }
func TestI102_OrderWithinAnObject(t *testing.T)            { inMemory(t) }
func TestI102_DeleteWithdrawsUnsentCreate(t *testing.T)    { inMemory(t) }
func TestI102_DeleteGoesToThoseWhoGotIt(t *testing.T)      { inMemory(t) }
func TestI102_DeleteFollowsALostLease(t *testing.T)        { inMemory(t) }
func TestI102_OnlyTheNewestUpdateIsKept(t *testing.T)      { inMemory(t) }
func TestS96_StatusTable(t *testing.T)                     { inMemory(t) }
func TestI103_RetriesGrowAndEnd(t *testing.T)              { inMemory(t) }
func TestI104_RetryAfterDelaysTheHost(t *testing.T)        { inMemory(t) }
func TestI105_GoneIsToldAndTheHostLives(t *testing.T)      { inMemory(t) }
func TestI106_BreakerOpensProbesCloses(t *testing.T)       { inMemory(t) }
func TestI106_InboundContactClosesTheBreaker(t *testing.T) { inMemory(t) }
func TestI106_BreakerOutlivesARestart(t *testing.T)        { inMemory(t) }
func TestL25_BacklogOfADeadHostIsGivenUp(t *testing.T)     { inMemory(t) }
func TestI107_SignedPerAttempt(t *testing.T)               { inMemory(t) }
func TestI108_ForwardedBytes(t *testing.T)                 { inMemory(t) }
func TestI109_UserAgent(t *testing.T)                      { inMemory(t) }
func TestI20_OneKnockInTheOtherForm(t *testing.T)          { inMemory(t) }
func TestI21_NotFoundAsRefusal(t *testing.T)               { inMemory(t) }
func TestI22_RememberedFormExpires(t *testing.T)           { inMemory(t) }
func TestS30_NeverLessCoverage(t *testing.T)               { inMemory(t) }
func TestS60_NoRedirects(t *testing.T)                     { inMemory(t) }
func TestS84_StalledHostsHoldNoWorkers(t *testing.T)       { inMemory(t) }
func TestS84_ManyStalledHostsLessSo(t *testing.T)          { inMemory(t) }
func TestS86_Panics(t *testing.T)                          { inMemory(t) }
func TestS93_StaleOutcomeIsRefused(t *testing.T)           { inMemory(t) }
func TestS93_NothingIsSentAfterTheLease(t *testing.T)      { inMemory(t) }
func TestL20_SlowStart(t *testing.T)                       { inMemory(t) }
func TestR9_BadHosts(t *testing.T)                         { inMemory(t) }
func TestF5_BadHostsHoldUpNobody(t *testing.T)             { inMemory(t) }
func TestR10_Drain(t *testing.T)                           { inMemory(t) }
func TestR11_FaultAtEveryCall(t *testing.T)                { inMemory(t) }
func TestLostQueue(t *testing.T)                           { inMemory(t) }
func TestRetryByHand(t *testing.T)                         { inMemory(t) }
func TestI102_RetryKeepsTheOrder(t *testing.T)             { inMemory(t) }
func TestPauseAndResume(t *testing.T)                      { inMemory(t) }
func TestPolicyCallsOff(t *testing.T)                      { inMemory(t) }

// TestEveryCaseHasItsTest keeps the list above complete.
func TestEveryCaseHasItsTest(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "delivery_test.go", nil, 0)
	require.NoError(t, err)
	have := map[string]bool{}
	for _, d := range f.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			have[f.Name.Name] = true
		}
	}
	for _, name := range deliverytest.Names() {
		require.True(t, have["Test"+name], name)
	}
}
