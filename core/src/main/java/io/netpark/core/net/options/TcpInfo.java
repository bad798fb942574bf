package io.netpark.core.net.options;

import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * What the kernel knows of a TCP connection: {@code struct tcp_info} of linux/tcp.h, without what is of no use to a program.
 * What a kernel is too old to tell is 0.
 *
 * @param state where the connection stands
 * @param retransmits of the segment that is being retransmitted now; 0 if none is
 * @param roundTrip smoothed; zero before the first is measured
 * @param roundTripVariation its mean deviation
 * @param minRoundTrip the shortest seen lately; zero before the first is measured
 * @param pathMtu in bytes
 * @param sendSegment the size of a segment to the peer, in bytes
 * @param receiveSegment the size of a segment from the peer, in bytes
 * @param congestionWindow how many segments may be under way
 * @param unacknowledged segments under way
 * @param lost segments under way that are taken for lost
 * @param totalRetransmits segments that have been sent again, in all
 * @param lastDataSent how long ago data was sent
 * @param lastDataReceived how long ago data was received
 * @param bytesAcknowledged bytes that the peer has acknowledged, in all
 * @param bytesReceived bytes received, in all
 * @param bytesNotSent bytes written that have not been sent
 * @param deliveryRate bytes a second that have lately reached the peer
 */
public record TcpInfo(
        State state,
        int retransmits,
        Duration roundTrip,
        Duration roundTripVariation,
        Duration minRoundTrip,
        int pathMtu,
        int sendSegment,
        int receiveSegment,
        int congestionWindow,
        int unacknowledged,
        int lost,
        int totalRetransmits,
        Duration lastDataSent,
        Duration lastDataReceived,
        long bytesAcknowledged,
        long bytesReceived,
        long bytesNotSent,
        long deliveryRate) {

    /** The states of RFC 9293, in the order of net/tcp_states.h. */
    public enum State {
        /** None that is known here. */
        UNKNOWN,
        ESTABLISHED,
        SYN_SENT,
        SYN_RECEIVED,
        FIN_WAIT_1,
        FIN_WAIT_2,
        TIME_WAIT,
        CLOSED,
        CLOSE_WAIT,
        LAST_ACK,
        LISTEN,
        CLOSING
    }

    /** {@code struct tcp_info} as far as bytes_notsent and delivery_rate; then the offsets of its members. */
    static final int SIZE = 192;

    private static final int STATE = 0;
    private static final int RETRANSMITS = 2;
    private static final int SND_MSS = 16;
    private static final int RCV_MSS = 20;
    private static final int UNACKED = 24;
    private static final int LOST = 32;
    private static final int LAST_DATA_SENT = 44;
    private static final int LAST_DATA_RECV = 52;
    private static final int PMTU = 60;
    private static final int RTT = 68;
    private static final int RTTVAR = 72;
    private static final int SND_CWND = 80;
    private static final int TOTAL_RETRANS = 100;
    private static final int BYTES_ACKED = 120;
    private static final int BYTES_RECEIVED = 128;
    private static final int NOTSENT_BYTES = 144;
    private static final int MIN_RTT = 148;
    private static final int DELIVERY_RATE = 160;

    /** Reads all of the struct. */
    static TcpInfo read(ByteBuffer struct) {
        int state = struct.get(STATE);
        State[] states = State.values();
        return new TcpInfo(
                states[state > 0 && state < states.length ? state : 0],
                struct.get(RETRANSMITS),
                micros(struct.getInt(RTT)),
                micros(struct.getInt(RTTVAR)),
                micros(struct.getInt(MIN_RTT) == -1 ? 0 : struct.getInt(MIN_RTT)),
                struct.getInt(PMTU),
                struct.getInt(SND_MSS),
                struct.getInt(RCV_MSS),
                struct.getInt(SND_CWND),
                struct.getInt(UNACKED),
                struct.getInt(LOST),
                struct.getInt(TOTAL_RETRANS),
                Duration.ofMillis(Integer.toUnsignedLong(struct.getInt(LAST_DATA_SENT))),
                Duration.ofMillis(Integer.toUnsignedLong(struct.getInt(LAST_DATA_RECV))),
                struct.getLong(BYTES_ACKED),
                struct.getLong(BYTES_RECEIVED),
                Integer.toUnsignedLong(struct.getInt(NOTSENT_BYTES)),
                struct.getLong(DELIVERY_RATE));
    }

    private static Duration micros(int micros) {
        return Duration.ofNanos(Integer.toUnsignedLong(micros) * 1000);
    }
}
