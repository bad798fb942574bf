package io.netpark.core.sys;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Names of files as the kernel has them, which are bytes, and as text and {@link Path}s. The encoding is the JDK's for names of
 * files ({@code sun.jnu.encoding}, which comes from the locale), so that both mean the same file by the same text. Where that
 * is ASCII, which the locales C and POSIX have, it is UTF-8: ASCII is a part of it, and the JDK can name no other file there.
 *
 * <p>For Netpark's own adapters.
 */
public final class FileName {

    private static final Charset OF_JDK = jdk(System.getProperty("sun.jnu.encoding", "UTF-8"));
    private static final Charset ENCODING = OF_JDK.equals(StandardCharsets.US_ASCII) ? StandardCharsets.UTF_8 : OF_JDK;
    private static final char REPLACEMENT = '\uFFFD';
    private static final Path ROOT = Path.of("/");

    private FileName() {}

    private static Charset jdk(String encoding) {
        return Charset.isSupported(encoding) ? Charset.forName(encoding) : StandardCharsets.UTF_8;
    }

    /**
     * The bytes of a name.
     *
     * @throws IllegalArgumentException if the encoding has no bytes for it
     */
    public static byte[] bytes(String name) {
        try {
            ByteBuffer encoded = ENCODING.newEncoder().encode(CharBuffer.wrap(name)); // reports what it cannot encode
            byte[] bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
            return bytes;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("no file can have this name: " + ENCODING + ", which names of files have here, "
                    + "has no bytes for all of it (the locale decides that): " + name, e);
        }
    }

    /**
     * The bytes of a path of this machine's file system, also of a path that is no text.
     *
     * @throws IllegalArgumentException if the encoding has no bytes for it
     */
    public static byte[] bytes(Path path) {
        String text = path.toString();
        return text.indexOf(REPLACEMENT) < 0 ? bytes(text) : unescaped(path);
    }

    /** A name as a path. */
    public static Path path(byte[] name) {
        String text = text(name);
        return text.indexOf(REPLACEMENT) < 0 && OF_JDK.newEncoder().canEncode(text) ? Path.of(text) : escaped(name);
    }

    /** A name as text, for people: what is none in the encoding is replaced. */
    static String text(byte[] name) {
        return new String(name, ENCODING);
    }

    // A URI is the one way past text: the JDK takes the bytes of a path from it as they are, and puts them there.

    private static byte[] unescaped(Path path) {
        String uri = ROOT.resolve(path).toUri().getRawPath();
        int start = path.isAbsolute() ? 0 : 1;
        int end = uri.endsWith("/") && uri.length() > 1 ? uri.length() - 1 : uri.length(); // the JDK marks folders
        byte[] bytes = new byte[end - start];
        int length = 0;
        for (int i = start; i < end; i++) {
            char c = uri.charAt(i);
            bytes[length++] = c == '%' ? (byte) Integer.parseInt(uri.substring(i + 1, i + 3), 16) : (byte) c;
            i += c == '%' ? 2 : 0;
        }
        return Arrays.copyOf(bytes, length);
    }

    private static Path escaped(byte[] name) {
        boolean absolute = name.length > 0 && name[0] == '/';
        StringBuilder uri = new StringBuilder(absolute ? "file://" : "file:///");
        for (byte b : name) {
            if (b == '/') {
                uri.append('/');
            } else {
                uri.append('%').append(Character.forDigit(b >> 4 & 0xF, 16)).append(Character.forDigit(b & 0xF, 16));
            }
        }
        Path path = Path.of(URI.create(uri.toString()));
        return absolute ? path : path.subpath(0, path.getNameCount());
    }
}
