package io.netpark.simulation.socket;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** {@code struct tcp_info} of linux/tcp.h, as far as there is something to tell. */
final class TcpInfo {

    private static final int SIZE = 232;
    private static final int SND_MSS = 16;
    private static final int RCV_MSS = 20;
    private static final int PMTU = 60;
    private static final int RTT = 68;
    private static final int RTTVAR = 72;
    private static final int SND_CWND = 80;
    private static final int MIN_RTT = 148;
    private static final int BYTES_ACKED = 120;
    private static final int BYTES_RECEIVED = 128;
    private static final int NOTSENT_BYTES = 144;
    private static final int SEGMENT = 32_768;
    /** Of loopback. */
    private static final int MTU = 65_536;
    /** In microseconds: nothing takes time, and none that is measured is shorter. */
    private static final int ROUND_TRIP = 1;
    private static final int WINDOW = 10;

    private TcpInfo() {}

    static byte[] of(TcpState state, long acknowledged, long received, int unsent) {
        return ByteBuffer.allocate(SIZE).order(ByteOrder.nativeOrder())
                .put(0, (byte) state.number())
                .putInt(SND_MSS, SEGMENT).putInt(RCV_MSS, SEGMENT)
                .putInt(PMTU, MTU).putInt(RTT, ROUND_TRIP).putInt(RTTVAR, ROUND_TRIP).putInt(MIN_RTT, ROUND_TRIP).putInt(SND_CWND, WINDOW)
                .putLong(BYTES_ACKED, acknowledged).putLong(BYTES_RECEIVED, received)
                .putInt(NOTSENT_BYTES, unsent)
                .array();
    }
}
