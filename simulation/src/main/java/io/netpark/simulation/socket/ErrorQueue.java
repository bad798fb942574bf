package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The notices of sends whose memory was lent (MSG_ZEROCOPY). A notice comes when the peer has all bytes of the send, and says that they were
 * copied after all, as on the kernel's loopback. Notices that follow one another are one (Documentation/networking/msg_zerocopy.rst).
 */
final class ErrorQueue {

    /** struct cmsghdr, struct sock_extended_err, and room for the address of who answered, which is zero. */
    private static final int HEADER = 16;
    private static final int SIZE = HEADER + 16;

    private final Socket socket;
    /** Where each send ends that is on loan, in bytes of the stream. */
    private final Deque<Long> lent = new ArrayDeque<>();
    /** The number of the first send that has not been told, and of the first that is on loan still. */
    private int first;
    private int next;

    ErrorQueue(Socket socket) {
        this.socket = socket;
    }

    boolean isEmpty() {
        return first == next;
    }

    /** Memory is on loan until so many bytes have come to the peer. */
    void lend(long end) {
        lent.add(end);
    }

    /** The peer has so many bytes, or will get no more. */
    void returned(long bytes) {
        int before = next;
        while (!lent.isEmpty() && lent.element() <= bytes) {
            lent.remove();
            next++;
        }
        if (next != before) {
            socket.waiters().wake(Linux.EPOLLERR);
        }
    }

    /** Of MSG_ERRQUEUE: returns 0, the bytes of the notice are in the envelope. */
    int take(Envelope envelope) {
        if (isEmpty()) {
            throw new Failure(Errno.EAGAIN);
        }
        boolean ipv6 = socket.domain() == Linux.AF_INET6;
        int size = SIZE + (ipv6 ? 28 : 16);
        ByteBuffer notice = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
        notice.putLong(0, size);
        notice.putInt(8, ipv6 ? Linux.IPPROTO_IPV6 : Linux.IPPROTO_IP);
        notice.putInt(12, ipv6 ? Linux.IPV6_RECVERR : Linux.IP_RECVERR);
        notice.put(HEADER + 4, (byte) Linux.SO_EE_ORIGIN_ZEROCOPY);
        notice.put(HEADER + 6, (byte) Linux.SO_EE_CODE_ZEROCOPY_COPIED);
        notice.putInt(HEADER + 8, first);
        notice.putInt(HEADER + 12, next - 1);
        envelope.notice = notice.array();
        envelope.flags |= Linux.MSG_ERRQUEUE;
        first = next;
        return 0;
    }
}
