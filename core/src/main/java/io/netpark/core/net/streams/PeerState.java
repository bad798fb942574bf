package io.netpark.core.net.streams;

/** What is known of the peer of a connection without asking the kernel, in the order in which it can come. */
public enum PeerState {

    /** Nothing is known that speaks against its being there. */
    PRESENT,

    /**
     * The peer has ended its output, and may still be reading. A TCP peer that has closed its connection looks the same until
     * something is sent to it.
     */
    HALF_CLOSED,

    /** The connection is over: reset, given up by the kernel, or ended in both directions. */
    GONE,

    /** The connection is closed here, or was given up; of the peer nothing more will be known. */
    CLOSED
}
