package io.netpark.core.net.socket;

import io.netpark.core.sys.OpenDescriptor;

/**
 * A connection that was taken out of its event loop, or that comes from elsewhere: the socket, and bytes that were read from it
 * already. Adopting it begins with these bytes. To be closed, which closes the socket unless somebody has taken it over.
 *
 * @param descriptor a connected stream socket, non-blocking if it was detached
 * @param unread bytes that were read and not used: they come before what can still be read. Not copied
 */
public record Detached(OpenDescriptor descriptor, byte[] unread) implements AutoCloseable {

    /** Closes the socket, unless it is closed already or was taken over. */
    @Override
    public void close() {
        descriptor.close();
    }

    @Override
    public String toString() {
        return descriptor + ", detached with " + unread.length + " unread bytes";
    }
}
