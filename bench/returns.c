/* SPDX-License-Identifier: MIT */
/* The smallest program worth isolating: what is left is the price of the container. */
int main(void)
{
	return 0;
}
