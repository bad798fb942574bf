package io.netpark.simulation.socket;

/** The states of RFC 9293 that last here, in which nothing is under way, with their numbers of net/tcp_states.h. */
enum TcpState {
    ESTABLISHED(1),
    SYN_SENT(2),
    /** The end of what is sent has been asked for; bytes in front of it are not taken yet. */
    FIN_WAIT_1(4),
    /** The peer has seen the end. */
    FIN_WAIT_2(5),
    CLOSED(7),
    CLOSE_WAIT(8),
    LAST_ACK(9),
    LISTEN(10),
    CLOSING(11);

    private final int number;

    TcpState(int number) {
        this.number = number;
    }

    /** In {@code struct tcp_info}. */
    int number() {
        return number;
    }

    /** Whether the program may still send. */
    boolean maySend() {
        return this == ESTABLISHED || this == CLOSE_WAIT;
    }

    /** Whether the peer would have to be told if the connection ended now: the kernel's tcp_need_reset. */
    boolean needsReset() {
        return maySend() || this == FIN_WAIT_1 || this == FIN_WAIT_2;
    }
}
