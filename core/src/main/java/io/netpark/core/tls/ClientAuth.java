package io.netpark.core.tls;

/** Whether a server asks its clients for certificates. */
public enum ClientAuth {
    /** It does not ask. */
    NONE,
    /** It asks, and goes on without one. A certificate that is sent has to be valid. */
    WANTED,
    /** It asks, and refuses clients without one. */
    NEEDED
}
