package io.netpark.simulation.network;

import java.net.InetSocketAddress;

/** A socket that has a port of its host, or shares one. */
public interface Tenant {

    /** Where it is bound; its address may be the wildcard. */
    InetSocketAddress local();

    /** Whether it is of IPv6, and takes IPv4 as well. */
    boolean takesBoth();

    /** SO_REUSEADDR. */
    boolean reusesAddress();

    /** SO_REUSEPORT. */
    boolean reusesPort();

    /** Whether it listens: then SO_REUSEADDR does not help others. */
    boolean isListening();
}
