package io.netpark.core.net;

import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Finds the addresses of a host. */
@FunctionalInterface
public interface Resolver {

    /** The system's, as {@link InetAddress#getAllByName} asks it. */
    Resolver SYSTEM = new SystemResolver();

    /**
     * Starts looking up a name; must not block, as it is called on event loops.
     *
     * @param host not an IP literal
     * @return completes on any thread, with the addresses in the order of preference that RFC 6724 finds, or fails. It is
     *     cancelled when nobody waits for it any more; a result that comes then is dropped.
     */
    CompletableFuture<List<InetAddress>> resolve(String host);
}
