package deliverytest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Options says what to prove the rules on.
type Options struct {
	// Open returns an empty store and the queue that its Enqueue fills. It registers what closes them
	// with t.Cleanup. Required.
	Open func(t *testing.T) (storage.Store, queue.Queue)
	// RealTime is for engines that virtual time does not reach.
	RealTime bool
}

// Run runs the suite as subtests of t.
func Run(t *testing.T, o Options) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, o)
		})
	}
}

// RunCase runs one case as t itself, so that a test can bear the number of the requirement. It fails
// t if there is no case of this name.
func RunCase(t *testing.T, o Options, name string) {
	t.Helper()
	for _, c := range cases() {
		if c.name == name {
			c.run(t, o)
			return
		}
	}
	t.Fatalf("deliverytest: no case %q", name)
}

// Names lists the cases.
func Names() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

func (c testCase) run(t *testing.T, o Options) {
	if !o.RealTime {
		synctest.Test(t, func(t *testing.T) { c.test(newEnv(t, o, time.Minute)) })
		return
	}
	if c.long {
		t.Skip("needs days, or exact times: runs in virtual time only")
	}
	c.test(newEnv(t, o, 50*time.Millisecond))
}

// A testCase is one rule. Its name begins with the number of the requirement it proves.
type testCase struct {
	name string
	long bool // takes simulated days, or exact ones
	test func(e *env)
}

func cases() []testCase {
	return []testCase{
		{"I101_OnePostPerInbox", false, testCollapse},
		{"S46_SharedInboxOfAnotherOrigin", false, testForeignShared},
		{"I102_OrderWithinAnObject", false, testOrder},
		{"I102_DeleteWithdrawsUnsentCreate", false, testWithdraw},
		{"I102_DeleteFollowsALostLease", false, testDeleteAfterDeath},
		{"I102_DeleteGoesToThoseWhoGotIt", false, testDeleteReach},
		{"I102_OnlyTheNewestUpdateIsKept", false, testSupersede},
		{"S96_StatusTable", true, testStatusTable},
		{"I103_RetriesGrowAndEnd", true, testWeekOfRetries},
		{"I104_RetryAfterDelaysTheHost", true, testRetryAfter},
		{"I105_GoneIsToldAndTheHostLives", false, testGone},
		{"I106_BreakerOpensProbesCloses", true, testBreaker},
		{"I106_InboundContactClosesTheBreaker", true, testInbound},
		{"I106_BreakerOutlivesARestart", true, testBreakerRestart},
		{"L25_BacklogOfADeadHostIsGivenUp", true, testDeadBacklog},
		{"I107_SignedPerAttempt", true, testSignedPerAttempt},
		{"I108_ForwardedBytes", false, testForward},
		{"I109_UserAgent", false, testUserAgent},
		{"I20_OneKnockInTheOtherForm", false, testKnock},
		{"I21_NotFoundAsRefusal", false, testKnockNotFound},
		{"I22_RememberedFormExpires", true, testScheme},
		{"S30_NeverLessCoverage", false, testDowngrade},
		{"S60_NoRedirects", false, testRedirect},
		{"S84_StalledHostsHoldNoWorkers", true, testStalled},
		{"S84_ManyStalledHostsLessSo", true, testManyStalled},
		{"S86_Panics", false, testPanic},
		{"S93_StaleOutcomeIsRefused", true, testFencing},
		{"S93_NothingIsSentAfterTheLease", true, testLateSender},
		{"L20_SlowStart", true, testSlowStart},
		{"R9_BadHosts", true, testBadHosts},
		{"F5_BadHostsHoldUpNobody", true, testHealthyPace},
		{"R10_Drain", false, testDrain},
		{"R11_FaultAtEveryCall", true, testFaults},
		{"LostQueue", false, testSweep},
		{"RetryByHand", false, testRetryByHand},
		{"I102_RetryKeepsTheOrder", false, testRetryInOrder},
		{"PauseAndResume", false, testPause},
		{"PolicyCallsOff", false, testPolicy},
	}
}
