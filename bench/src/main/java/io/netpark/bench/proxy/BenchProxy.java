package io.netpark.bench.proxy;

import java.net.InetSocketAddress;

/** A proxy under comparison: one loop on one thread, as its library is meant to be used for that. */
public interface BenchProxy {

    /**
     * Listens on a free port of 127.0.0.1 until the process ends. For each client it dials the upstream, and passes bytes on,
     * both ways. When one of the two is closed it closes the other.
     *
     * @return the port
     */
    int start(InetSocketAddress upstream) throws Exception;
}
