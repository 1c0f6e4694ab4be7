package hostnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// receiveTimeout bounds the wait for an answer, which the kernel gives at once.
const receiveTimeout = 2 // seconds

// receiveSize holds one message of a dump; the kernel fills at most 32 KiB.
const receiveSize = 64 << 10

// receiveBuffers are kept between requests: a new one for each was most of what the agent
// allocated.
var receiveBuffers = sync.Pool{New: func() any { return new([receiveSize]byte) }}

// ask sends one request over a netlink protocol and hands each message of the answer to take. A
// dump is answered by many messages, any other request by one.
func ask(protocol int, kind, flags uint16, request []byte, take func(data []byte)) error {
	packets, err := uninterrupted(func() ([][]byte, error) { return exchange(protocol, kind, flags, request) })
	for _, packet := range packets {
		if _, err := parse(packet, take); err != nil {
			return err
		}
	}
	return err
}

// uninterrupted repeats a dump once during which the kernel's table changed, so that an entry may
// be missing or there twice.
func uninterrupted(exchange func() ([][]byte, error)) ([][]byte, error) {
	packets, err := exchange()
	if errors.Is(err, errInterrupted) {
		packets, err = exchange()
	}
	if err != nil {
		return nil, err
	}
	return packets, nil
}

// exchange sends the request, and returns the packets of the whole answer.
func exchange(protocol int, kind, flags uint16, request []byte) ([][]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: receiveTimeout})
	if err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	message := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(request))
	binary.NativeEndian.PutUint32(message[0:], uint32(unix.SizeofNlMsghdr+len(request)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST|flags)
	message = append(message, request...)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	buffer := receiveBuffers.Get().(*[receiveSize]byte)
	defer receiveBuffers.Put(buffer)
	buf := buffer[:]
	var packets [][]byte
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		// Any process may send to this socket; only port 0 is the kernel.
		if address, ok := from.(*unix.SockaddrNetlink); !ok || address.Pid != 0 {
			continue
		}
		packets = append(packets, bytes.Clone(buf[:n]))
		done, err := parse(buf[:n], func([]byte) {})
		if err != nil || done || flags&unix.NLM_F_DUMP == 0 {
			return packets, err
		}
	}
}

// parse reads the messages of one packet; done says that the answer is complete.
func parse(packet []byte, take func(data []byte)) (done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(packet)
	if err != nil {
		return false, fmt.Errorf("parse netlink message: %w", err)
	}
	for _, m := range messages {
		if m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 {
			return false, errInterrupted
		}
		switch m.Header.Type {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(m.Data) < 4 {
				return false, errShort
			}
			if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
				return false, unix.Errno(-code)
			}
			return true, nil
		case unix.NLMSG_NOOP:
		default:
			take(m.Data)
		}
	}
	return false, nil
}

var (
	errShort       = errors.New("netlink message is too short")
	errInterrupted = errors.New("the kernel's table changed while it was read")
)
