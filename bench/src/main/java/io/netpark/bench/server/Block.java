package io.netpark.bench.server;

/** The block that a source sends again and again. bench/floor/echo.c has the same bytes. */
public final class Block {

    private Block() {}

    /** Its bytes. */
    public static byte[] bytes(int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }

}
