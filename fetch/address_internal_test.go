package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The blocks of the IANA special-purpose address registries, of the multicast ranges, and what lies
// outside the global unicast block of IPv6, typed from the registries and not from our table.
const registry = `
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 224.0.0.0/24
232.0.0.0/8 233.252.0.0/24 239.0.0.0/8 240.0.0.0/4 255.255.255.255/32
::/128 ::1/128 ::/96 ::ffff:0:0/104 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128
2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16
2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fd00::/8 fe80::/10 fec0::/10 ff00::/8 ff02::/16 4000::/3 8000::/1 200::/7 400::/6`

func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 1 << (7 - i%8)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}

func TestS52_SpecialPurposeBlocks(t *testing.T) {
	t.Parallel()
	judged := 0
	for text := range strings.FieldsSeq(registry) {
		p := netip.MustParsePrefix(text)
		for _, addr := range []netip.Addr{p.Addr(), last(p)} {
			require.False(t, Public(addr), addr)
			judged++
			if addr.Is4() {
				require.False(t, Public(netip.AddrFrom16(addr.As16())), "mapped %s", addr)
				judged++
			}
		}
	}
	require.GreaterOrEqual(t, judged, 120)
}

func TestS53_GapsOfDenyLists(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0.0.0.0", "::", "192.0.0.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "100::1", "3fff::1",
		"3fff:fff:ffff::", "5f00::1", "fec0::1", "100.64.0.1", "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "::1%lo",
		"fe80::1%eth0", "2606:4700::1%eth0", "::ffff:8.8.8.8%eth0",
	} {
		require.False(t, Public(netip.MustParseAddr(text)), text)
	}
	require.False(t, Public(netip.Addr{}))
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255",
		"172.32.0.0", "191.255.255.255", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "2a00::1", "3fff:1000::", "3ffe::1",
	} {
		require.True(t, Public(netip.MustParseAddr(text)), text)
	}
}

func TestS54_IPv4InsideIPv6(t *testing.T) {
	t.Parallel()
	for _, inner := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"} {
		b := netip.MustParseAddr(inner).As4()
		hex := fmt.Sprintf("%02x%02x:%02x%02x", b[0], b[1], b[2], b[3])
		for _, text := range []string{
			"::ffff:" + inner, "::" + inner, "64:ff9b::" + inner, "64:ff9b:1::" + inner, "2002:" + hex + "::1", "2001::" + hex, "2001:0:" + hex + "::1", "::ffff:0:" + inner,
		} {
			require.False(t, Public(netip.MustParseAddr(text)), text)
		}
	}
	require.True(t, Public(netip.MustParseAddr("64:ff9b::8.8.8.8")), "servers behind NAT64 live on it")
	require.True(t, Public(netip.MustParseAddr("::ffff:8.8.8.8")))
	require.False(t, Public(netip.MustParseAddr("64:ff9b:1::8.8.8.8")))
	require.False(t, Public(netip.MustParseAddr("2002:808:808::1")))
}

func TestS58_Dialled(t *testing.T) {
	t.Parallel()
	r := rules{allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32"), netip.MustParsePrefix("fd00::/8")}, ports: []string{"8443"}, named: true}
	for _, tc := range []struct {
		network, address string
		exempt, ok       bool
	}{
		{"tcp4", "8.8.8.8:443", false, true}, {"tcp6", "[2606:4700::1111]:443", false, true}, {"tcp4", "8.8.8.8:8443", false, true},
		{"tcp4", "8.8.8.8:22", false, false}, {"tcp4", "8.8.8.8:6379", false, false}, {"tcp4", "8.8.8.8:80", false, false}, {"tcp4", "8.8.8.8:443", true, false},
		{"tcp4", "127.0.0.2:22", true, true}, {"tcp4", "127.0.0.2:443", false, true}, {"tcp4", "127.0.0.1:443", false, false}, {"tcp4", "127.0.0.3:80", true, false},
		{"tcp6", "[fd00::1]:80", true, true}, {"tcp6", "[::ffff:127.0.0.2]:80", true, true}, {"tcp6", "[::1]:443", false, false}, {"tcp6", "[fd00::1%eth0]:80", true, false}, {"tcp6", "[::ffff:127.0.0.2%eth0]:80", true, false},
		{"udp4", "8.8.8.8:443", false, false}, {"unix", "/run/x.sock", false, false}, {"tcp", "8.8.8.8:443", false, false}, {"tcp4", "example.com:443", false, false}, {"tcp4", "", false, false},
	} {
		err := r.dialled(tc.network, tc.address, tc.exempt)
		require.Equal(t, tc.ok, err == nil, "%+v", tc)
	}
}

func TestS81_MemoriesAreBounded(t *testing.T) {
	t.Parallel()
	m, later := newMemory[int, struct{}](1000), farFuture()
	for i := range 1_000_000 {
		m.put(i, struct{}{}, later)
	}
	p := newPace(10, 1000)
	for i := range 5000 {
		p.take(mustOrigin(t, fmt.Sprintf("https://h.example%d.com", i)))
	}
	require.Equal(t, 1000, m.len())
	require.LessOrEqual(t, p.buckets.len(), 1000)
	require.Len(t, m.byKey, 1000)
	_, ok := m.get(999_999)
	require.True(t, ok)
	_, ok = m.get(0)
	require.False(t, ok)
}

func TestL20_SlotsTakeNoMemoryAfterwards(t *testing.T) {
	t.Parallel()
	s := newSlots(4, 100)
	var releases []func()
	for i := range 50 {
		release, err := s.acquire(t.Context(), mustOrigin(t, fmt.Sprintf("https://h%d.example", i)))
		require.NoError(t, err)
		releases = append(releases, release)
	}
	for _, release := range releases {
		release()
		release()
	}
	require.Empty(t, s.hosts)
	require.Empty(t, s.all)
}

func TestL20_WaitersAreBounded(t *testing.T) {
	t.Parallel()
	s, o := newSlots(1, 10), mustOrigin(t, "https://slow.example")
	release, err := s.acquire(t.Context(), o)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	var waiting sync.WaitGroup
	for range waitersPerSlot {
		waiting.Go(func() { _, _ = s.acquire(ctx, o) })
	}
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.hosts[o].holders == 1+waitersPerSlot
	}, 10*time.Second, time.Millisecond)
	_, err = s.acquire(ctx, o)
	require.ErrorIs(t, err, errBusy)
	other, err := s.acquire(ctx, mustOrigin(t, "https://good.example"))
	require.NoError(t, err, "one host does not stand in for another")
	other()
	cancel()
	waiting.Wait()
	release()
	require.Empty(t, s.hosts)
}
