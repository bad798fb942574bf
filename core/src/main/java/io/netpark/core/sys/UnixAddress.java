package io.netpark.core.sys;

import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The address of a unix socket (unix(7)): a path in the file system; an abstract name, which is no file and goes with the
 * last socket that has it; or nothing, as sockets have that are not bound.
 */
public final class UnixAddress extends SocketAddress {

    private static final long serialVersionUID = 1L;

    /** Bytes in {@code sun_path}; the NUL that ends a path is one of them. */
    static final int ROOM = 108;

    /** The address of a socket that is not bound. */
    public static final UnixAddress UNNAMED = new UnixAddress(new byte[0]);

    /** As in {@code sun_path}: a path without its NUL, a NUL and an abstract name, or nothing. */
    private final byte[] name;

    private UnixAddress(byte[] name) {
        this.name = name;
    }

    /**
     * A path, relative to the working folder of the process ({@code user.dir} does not move it) unless it is absolute. Its bytes
     * are those that the JDK has for such a name of a file: the locale decides, and the locales C and POSIX have UTF-8 here.
     *
     * @throws IllegalArgumentException if it is empty, has a NUL, or more than 107 bytes, or cannot be encoded
     */
    public static UnixAddress path(String path) {
        return path(FileName.bytes(path), path);
    }

    /** As {@link #path(String)}; a path that is no text keeps its bytes. */
    public static UnixAddress path(Path path) {
        return path(FileName.bytes(path), path.toString());
    }

    private static UnixAddress path(byte[] name, String path) {
        if (name.length == 0 || name.length >= ROOM || path.indexOf(0) >= 0) {
            throw new IllegalArgumentException("a unix socket's path has 1 to " + (ROOM - 1)
                    + " bytes, none of them NUL; this has " + name.length + ": " + path.replace('\0', '@'));
        }
        return new UnixAddress(name);
    }

    /**
     * A name that is no file: any bytes, here those of UTF-8. Every process of the network namespace can use it.
     *
     * @throws IllegalArgumentException if it is empty, or has more than 107 bytes
     */
    public static UnixAddress abstractName(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length >= ROOM) {
            throw new IllegalArgumentException(
                    "an abstract name has 1 to " + (ROOM - 1) + " bytes; this has " + bytes.length + ": " + name);
        }
        byte[] named = new byte[bytes.length + 1];
        System.arraycopy(bytes, 0, named, 1, bytes.length);
        return new UnixAddress(named);
    }

    /** The JDK's address as ours; that has no abstract names. */
    public static UnixAddress of(UnixDomainSocketAddress address) {
        Path path = address.getPath();
        return path.toString().isEmpty() ? UNNAMED : path(path);
    }

    static UnixAddress raw(byte[] name) {
        return name.length == 0 ? UNNAMED : new UnixAddress(name);
    }

    byte[] raw() {
        return name;
    }

    /** The bytes of a path or an abstract name, the latter with the NUL that it begins with. */
    public byte[] name() {
        return name.clone();
    }

    /** Whether it is a path. */
    public boolean isPath() {
        return name.length > 0 && name[0] != 0;
    }

    /** Whether it is neither a path nor an abstract name. */
    public boolean isUnnamed() {
        return name.length == 0;
    }

    /** Whether it is an abstract name. */
    public boolean isAbstract() {
        return name.length > 0 && name[0] == 0;
    }

    /** The path, or null if it is none. */
    public @Nullable Path path() {
        return isPath() ? FileName.path(name) : null;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof UnixAddress address && Arrays.equals(name, address.name);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(name);
    }

    /** {@code unix:/run/a.sock}, {@code unix:@name} for an abstract name, {@code unix:unnamed}. */
    @Override
    public String toString() {
        return isUnnamed() ? "unix:unnamed"
                : "unix:" + (isPath() ? FileName.text(name) : new String(name, StandardCharsets.UTF_8).replace('\0', '@'));
    }
}
