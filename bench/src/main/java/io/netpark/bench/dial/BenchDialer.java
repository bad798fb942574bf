package io.netpark.bench.dial;

import java.net.InetSocketAddress;

/** A dialer under comparison: one loop on one thread, as its library is meant to be used for that. */
public interface BenchDialer {

    /**
     * Starts as many chains as {@link Round#AT_A_TIME}: each dials, closes, and dials again for as long as the round goes on.
     * All of them are on one thread, and tell the round what happens.
     */
    void start(InetSocketAddress listener, Round round) throws Exception;
}
