package io.netpark.core.net.dialing;

import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Finds the addresses of a host. */
@FunctionalInterface
public interface Resolver {

    /**
     * The system's, as {@link InetAddress#getAllByName} asks it: on daemon threads, one for each name. A name is looked up once at a
     * time, for all who ask. At most 128 names that somebody waits for are looked up at a time, and more wait; look-ups that were
     * given up go on alone and hold up nobody, up to 512 in all.
     */
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
