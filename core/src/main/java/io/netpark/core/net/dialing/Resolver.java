package io.netpark.core.net.dialing;

import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Finds the addresses of a host. */
@FunctionalInterface
public interface Resolver {

    /**
     * The system's, as {@link InetAddress#getAllByName} asks it: on daemon threads, one for each name. A name is looked up once at a
     * time, for every dial that asks. At most 128 names that are waited for are looked up at a time, and more wait. A look-up
     * that was given up goes on alone and holds up no other, up to 512 in all.
     */
    Resolver SYSTEM = new SystemResolver();

    /**
     * Starts looking up a name; must not block, as it is called on event loops.
     *
     * @param host not an IP literal
     * @return completes on any thread, with the addresses in the order of preference that RFC 6724 finds, or fails. It is
     *     cancelled when its dial has ended; a result that comes then is dropped.
     */
    CompletableFuture<List<InetAddress>> resolve(String host);
}
